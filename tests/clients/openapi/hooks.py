"""What OpenAPI has no words for, so that schemathesis knows it."""

import json
import re

import schemathesis

# Without the project, and of numbers no longer than any may be.
JOB_KEY = re.compile("[1-9][0-9]*(/[1-9][0-9]{0,14})[0-9]*(/[1-9][0-9]{0,14})?[0-9]*")


@schemathesis.deserializer("application/x-jsonlines")
def read_lines(_, response):
    """JSON lines: the description says array, the wire has an element a line."""
    return [json.loads(line) for line in response.content.splitlines()]


@schemathesis.serializer("application/x-jsonlines")
def write_lines(_, value):
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.hook
def before_call(_, case, __):
    """Makes requests that are good by themselves good as a whole."""
    form = case.media_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    if form and isinstance(case.body, dict):
        # Objects in forms are JSON (`encoding`), which schemathesis does not do.
        case.body = {
            name: json.dumps(value) if isinstance(value, dict) else value
            for name, value in case.body.items()
        }
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
        # Names stand in the headers of parts as they are: not all of them can.
        case.body = {name: value for name, value in case.body.items() if name.isprintable() and name}
    if isinstance(case.query, dict) and case.query.get("wait") in range(61):
        # No job comes, and nobody should wait for that.
        case.query["wait"] = 0
    if case.media_type == "application/json" and isinstance(case.body, dict):
        # To JSON Schema 4.0 is an integer, but numbers are read as they are written.
        case.body = {name: whole(value) for name, value in case.body.items()}
    places = [case.path_parameters, case.query, case.body]
    projects = [place.get("project") for place in places if isinstance(place, dict)]
    project = next((project for project in projects if project is not None), None)
    if re.fullmatch("[1-9][0-9]*", str(project)):
        case.query = owned(case.query, project)
        case.body = owned(case.body, project)


def whole(value):
    return int(value) if isinstance(value, float) and value.is_integer() else value


def owned(value, project):
    """The same with well-formed job keys moved to the project: others are refused."""
    if isinstance(value, list):
        return [owned(one, project) for one in value]
    if isinstance(value, dict):
        keys = {name: owned(value[name], project) for name in ("key", "job", "stop") if name in value}
        return {**value, **keys}
    key = JOB_KEY.fullmatch(value) if isinstance(value, str) else None
    return f"{project}{key[1]}{key[2] or ''}" if key else value
