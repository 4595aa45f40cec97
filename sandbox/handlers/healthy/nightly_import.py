import time


def handler(event, context):
    for _ in event["Records"]:
        time.sleep(0.02)
