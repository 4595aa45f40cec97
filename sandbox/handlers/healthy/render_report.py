import os
import time

# Seconds of work for one processor of which 128 MB buy so much that it takes 2.5 s.
WORK = 2.5 * 128


def handler(event, context):
    time.sleep(WORK / int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
    return {"pages": 12}
