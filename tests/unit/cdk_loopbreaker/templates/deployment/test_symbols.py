"""Texts for parameters that name resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_loopbreaker.templates.model import Unknown
from tests.unit.cdk_loopbreaker.templates.written import read, read_resources

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
    Parameters: {Name: {Type: String}, Stage: {Type: String}, Other: {Type: String}}
    Resources:
      Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name}}
      Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "${Stage}-orders"}}
      Subject:
        Type: Custom::X
        Properties:
          Bucket: !Sub "arn:aws:s3:::${Name}"
          Table: !Join ["-", [!Ref Stage, orders]]
          Other: !Ref Other
    """


def test_a_name_that_is_a_parameter_meets_its_resource(tmp_path: Path) -> None:
    """Templates name a bucket twice by a parameter where a reference would be circular."""
    resources = read_resources(tmp_path, TEXT)

    subject = resources["Subject"].properties
    assert subject["Bucket"] == resources["Bucket"].arn
    assert subject["Table"] == resources["Table"].name
    assert read(tmp_path, TEXT).problems == ()


def test_other_parameters_stay_unknown(tmp_path: Path) -> None:
    """They may name anything."""
    subject = read_resources(tmp_path, TEXT)["Subject"]

    assert subject.properties["Other"] == Unknown("parameter Other")


def test_a_given_value_goes_first(tmp_path: Path) -> None:
    """Nothing is made up for it."""
    assert read_resources(tmp_path, TEXT, Name="mine")["Bucket"].arn == "arn:aws:s3:::mine"


def test_a_made_up_text_decides_no_condition(tmp_path: Path) -> None:
    """The real value may be the one that is compared with."""
    text = """
        Parameters: {Name: {Type: String}}
        Conditions: {IsEmpty: !Equals [!Ref Name, ""]}
        Resources:
          Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name}}
          Queue: {Type: AWS::SQS::Queue, Condition: IsEmpty}
        """

    assert not read_resources(tmp_path, text)["Queue"].is_certain
