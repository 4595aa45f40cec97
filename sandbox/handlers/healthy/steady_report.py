def handler(event, context):
    return {"lines": sum(range(1000))}
