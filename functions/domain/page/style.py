"""The styles of the page, for a widget of a dashboard and for a file.

All rules begin with the class of the page, because a widget stands among others. Light and dark
colours are named once. The layout follows the width that there is: a widget may be narrow on a wide
screen, which no media query tells.
"""

from enum import StrEnum
from typing import Final

from functions.domain.notices.markup import Markup


class Theme(StrEnum):
    """Which colours a widget has; a file has those that the reader's system is set to."""

    LIGHT = "light"
    DARK = "dark"


_LIGHT: Final = (
    "--ink:#1c2127;--soft:#545d68;--line:#d3d8de;--ground:#f7f7f4;--sheet:#fff;--alarm:#a3262c;"
    "--amber:#7d5100;--calm:#1c6b42;--link:#0a4fb8;--wash:#fbeceb;--press:#fff;color-scheme:light"
)
_DARK: Final = (
    "--ink:#e5e8eb;--soft:#a5aeb8;--line:#39414a;--ground:#121518;--sheet:#1a1e23;--alarm:#ff9d97;"
    "--amber:#efc46d;--calm:#85d6a9;--link:#8fb8f9;--wash:#332023;--press:#121518;"
    "color-scheme:dark"
)
_RULES: Final = """
{
 box-sizing:border-box;margin:0;padding:16px;background:var(--ground);color:var(--ink);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere;
 text-align:left;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace
}
 *{box-sizing:border-box}
 h1, h2, h3, h4{margin:0;color:var(--ink);line-height:1.25;font-weight:600;text-wrap:balance}
 h1{font-size:28px;letter-spacing:-.02em}
 h2{margin:32px 0 12px;font-size:19px}
 h3{font-size:17px}
 h4{margin:14px 0 4px;color:var(--soft);font-size:13px}
 p, ul, ol, dl, figure{margin:0 0 10px;color:inherit}
 ul, ol{padding-left:20px}
 li{margin-bottom:4px}
 a{color:var(--link)}
 code{padding:0;border:0;background:none;color:inherit;font-family:var(--mono);font-size:.94em}
 svg{display:block;max-width:100%}
 .soft{color:var(--soft);font-size:13px}
 .where{margin:4px 0 0}
 .where span{display:inline-block;margin-right:20px}
 .lead{max-width:640px;margin:8px 0 0;font-size:17px}
 .alarm{color:var(--alarm)}
 .amber{color:var(--amber)}
 .calm{color:var(--calm)}
 .blue{color:var(--link)}
 .gaps{margin:12px 0;padding:10px 14px;border:1px dashed var(--amber);border-radius:6px}
 .gaps p, .gaps ul{margin:0}
 .tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(120px,1fr));gap:12px;
 margin:16px 0;padding:14px 0;border:solid var(--line);border-width:1px 0}
 .tiles div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
 .tiles dt{color:var(--soft);font-size:13px;line-height:1.3}
 .tiles dd{margin:0;font-size:25px;font-weight:600;line-height:1.2}
 dd, .numbers{font-variant-numeric:tabular-nums}
 .card{margin:0 0 14px;padding:14px 16px 16px;border:1px solid var(--line);
 border-left:5px solid var(--line);border-radius:6px;background:var(--sheet)}
 .card.held{border-left-color:var(--alarm)}
 .card.open{border-left-color:var(--amber);border-left-style:dashed}
 .card.loop{border-left-color:var(--amber)}
 .title{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 12px}
 .state{padding:0 8px;border:1px solid currentColor;border-radius:4px;font-size:13px;
 font-weight:600}
 .figures{display:flex;flex-wrap:wrap;gap:8px 32px;margin:12px 0}
 .figures div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
 .figures dt{color:var(--soft);font-size:13px}
 .figures dd{margin:0;font-size:17px;font-weight:600}
 .columns{display:flex;flex-wrap:wrap;gap:8px 32px}
 .columns>.main{flex:1 1 440px;min-width:0}
 .columns>figure{flex:0 1 300px;margin:0}
 .columns figure h4{margin-top:0}
 .columns figure svg{height:auto}
 .plot{position:relative;height:132px;margin:26px 0 2px;border:solid var(--line);
 border-width:0 0 1px}
 .plot svg{position:absolute;inset:0;width:100%;height:100%}
 .plot b{position:absolute;top:-21px;min-width:18px;padding:0 4px;border-radius:9px;
 background:var(--ink);color:var(--sheet);font-size:11px;line-height:18px;text-align:center;
 transform:translateX(-50%)}
 .plot i{position:absolute;right:0;padding-left:6px;background:var(--sheet);color:var(--soft);
 font-size:12px;font-style:normal;line-height:1.2}
 .plot i.peak{right:auto;left:0;padding:0 6px 0 0}
 .axis{display:flex;justify-content:space-between;gap:8px;color:var(--soft);font-size:12px}
 .moments{display:flex;flex-wrap:wrap;gap:2px 18px;margin:8px 0 0;padding:0;list-style:none;
 font-size:13px}
 .moments b{display:inline-block;min-width:18px;margin-right:5px;padding:0 4px;border-radius:9px;
 background:var(--ink);color:var(--sheet);font-size:11px;line-height:18px;text-align:center}
 .do{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;margin:12px 0}
 .do p{margin:0}
 .press{display:inline-block;padding:6px 16px;border-radius:6px;background:var(--link);
 color:var(--press);font-weight:600;text-decoration:none;cursor:pointer}
 .press.stop{background:var(--alarm)}
 cwdb-action{display:none}
 .press:hover, .press:focus-visible{outline:3px solid var(--line);outline-offset:1px}
 .command{display:block;max-width:100%;padding:6px 10px;border:1px solid var(--line);
 border-radius:4px;background:var(--ground);font-size:13px;white-space:pre-wrap}
 .rows{margin:0 0 10px;padding:0;list-style:none;border-top:1px solid var(--line)}
 .rows>li{display:flex;flex-wrap:wrap;gap:0 20px;margin:0;padding:7px 0;
 border-bottom:1px solid var(--line)}
 .rows .name{flex:1 1 150px;min-width:0}
 .rows .what{flex:3 1 220px;min-width:0}
 .rows .when{flex:0 0 160px;color:var(--soft);font-size:13px}
 .rows .cost{flex:0 0 104px;font-size:13px}
 .rows .do{flex:1 1 100%;margin:6px 0 0}
 .checks{margin:0;padding:0;list-style:none}
 .checks>li{display:flex;gap:0 12px;margin:0;padding:6px 0;border-bottom:1px solid var(--line)}
 .checks>li>span:first-child{flex:0 0 62px;font-size:12px;font-weight:600;line-height:23px}
 .checks>li>span:last-child{flex:1;min-width:0}
 .days{position:relative;height:84px;border-bottom:1px solid var(--line)}
 .days svg{position:absolute;inset:0;width:100%;height:100%}
 .legend{margin-top:8px}
 .legend span{display:inline-block;margin-right:16px}
 .legend i{display:inline-block;width:10px;height:10px;margin-right:5px;border-radius:2px;
 background:currentColor}
 .quiet{padding:18px 0;font-size:17px}
"""
_SCREENS: Final = """
body{margin:0}
.lb{max-width:1180px;min-height:100vh;margin:0 auto;padding:24px 16px 48px}
@media (min-width:800px){.lb{padding:40px 32px 72px}}
@media print{
@page{margin:14mm}
.lb{min-height:0;max-width:none;padding:0;--ground:#fff;--sheet:#fff;--ink:#000;--soft:#333;
font-size:12px}
.lb .card,.lb li,.lb figure{break-inside:avoid}
.lb h2,.lb h3,.lb h4{break-after:avoid}
}
"""
ROOT: Final = "lb"
"""The class of the page's outermost element."""


def _write_rules() -> str:
    """The rules, each of which begins with the page's class."""
    written = []
    for rule in "".join(line for line in _RULES.splitlines()).split("}"):
        selectors, brace, body = rule.partition("{")
        if not brace:
            continue
        names = [one.strip() for one in selectors.split(",")]
        written.append(f"{','.join(f'.{ROOT} {one}'.rstrip() for one in names)}{{{body}}}")
    return "".join(written)


_COMMON: Final = _write_rules()


def write_widget_style(theme: Theme) -> Markup:
    """The styles of a widget, whose theme the dashboard tells."""
    colours = _DARK if theme is Theme.DARK else _LIGHT
    return Markup(f".{ROOT}{{{colours}}}{_COMMON}")


def write_file_style() -> Markup:
    """The styles of a file: light, and dark where the reader's system is."""
    dark = (
        f"@media screen and (prefers-color-scheme:dark){{.{ROOT}{{{_DARK}}}"
        "html{background:#121518}}"
    )
    screens = "".join(_SCREENS.splitlines())
    return Markup(f"html{{background:#f7f7f4}}.{ROOT}{{{_LIGHT}}}{dark}{_COMMON}{screens}")
