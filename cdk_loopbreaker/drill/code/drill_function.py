"""A function of a drill: one round of a loop, or an answer to whoever runs the drill.

Each loop carries a few tokens. A token says how many rounds are left and when it ends at the
latest. A round is written down before the next one is begun, on the condition that nobody has
done so: an event that is delivered twice ends here.
"""

import json
import os
import time
import uuid

import boto3
from botocore.exceptions import ClientError

KIND, TABLE, TARGET = (os.environ[one] for one in ("KIND", "TABLE", "TARGET"))
ENVIRONMENT = uuid.uuid4().hex
made = {}


def client(service):
    if service not in made:
        made[service] = boto3.client(service)
    return made[service]


def handler(event, context):
    begun = time.time()
    if "probe" in event:
        return answer(event)
    for token in read_tokens(event):
        if go_round(token):
            time.sleep(max(0, begun + token["period"] - time.time()))
            send({**token, "left": token["left"] - 1})
    return None


def read_tokens(event):
    if KIND == "events":
        return [event["detail"]]
    if KIND == "dynamodb":
        images = [one["dynamodb"].get("NewImage", {}) for one in event["Records"]]
        return [json.loads(one["next"]["S"]) for one in images if "next" in one]
    return [json.loads(one["body"]) for one in event["Records"]]


def go_round(token):
    if KIND == "healthy":
        time.sleep(token["period"])
        return False
    now = str(time.time())
    if token["left"] <= 0 or time.time() >= token["ends"]:
        return False
    try:
        write(
            token,
            "SET rounds_left = :next, ran_at = :now, began_at = if_not_exists(began_at, :now)",
            "attribute_not_exists(closed) AND rounds_left = :left",
            {":next": token["left"] - 1, ":left": token["left"], ":now": now},
        )
    except client("dynamodb").exceptions.ConditionalCheckFailedException:
        try:  # the drill waits for the tokens of a loop that it has closed
            write(token, "SET came_back_at = :now", "attribute_exists(closed)", {":now": now})
        except client("dynamodb").exceptions.ConditionalCheckFailedException:
            pass  # this round was begun before
        return False
    return True


def write(token, update, condition, values):
    client("dynamodb").update_item(
        TableName=TABLE,
        Key={"token": {"S": "progress-" + token["token"]}},
        UpdateExpression=update,
        ConditionExpression=condition,
        ExpressionAttributeValues={name: {"N": str(one)} for name, one in values.items()},
    )


def send(token):
    body = json.dumps(token)
    if KIND == "sqs":
        client("sqs").send_message(QueueUrl=TARGET, MessageBody=body)
    elif KIND == "events":
        entry = {"EventBusName": TARGET, "Source": "loopbreaker.drill"}
        client("events").put_events(Entries=[{**entry, "DetailType": "round", "Detail": body}])
    else:
        item = {"token": {"S": "event-" + token["token"]}, "next": {"S": body}}
        client("dynamodb").put_item(TableName=TARGET, Item=item)


def answer(event):
    found = {"environment": ENVIRONMENT}
    if event["probe"] == "slow":
        time.sleep(min(20, event["seconds"]))
    if event["probe"] == "mark":
        time.sleep(min(20, event["seconds"]))
        client("dynamodb").put_item(TableName=TABLE, Item={"token": {"S": event["token"]}})
    if event["probe"] == "session":
        found["arn"] = client("sts").get_caller_identity()["Arn"]
    if event["probe"] == "permission":
        try:
            client("dynamodb").describe_table(TableName=TABLE)
            found["is_allowed"] = True
        except ClientError as error:
            found["code"] = error.response["Error"]["Code"]
    return found
