import boto3

client = boto3.client("lambda")


def handler(event, context):
    principal = event["principal"]
    try:
        client.add_permission(
            FunctionName="f",
            StatementId=principal.partition(".")[0],
            Action="lambda:InvokeFunction",
            Principal=principal,
        )
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
