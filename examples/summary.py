import json
def show(console, record):
    print(json.dumps(record, indent=1))
