import boto3

client = boto3.client("iam")


def handler(event, context):
    try:
        answer = client.simulate_principal_policy(
            PolicySourceArn=event["principal"],
            ActionNames=["iam:SimulatePrincipalPolicy"],
            ResourceArns=[event["principal"]],
        )
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return answer["EvaluationResults"][0]["EvalDecision"]
