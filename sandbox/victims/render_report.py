import os
import time

# Seconds of work for one processor of which 128 MB buy so much that it takes 1.65 s.
WORK = 1.65 * 128


def handler(event, context):
    time.sleep(WORK / int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
    return {"pages": 12}
