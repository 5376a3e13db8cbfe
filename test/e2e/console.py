"""The console of a fleet's hub as a program sees it: HTTPS with an operator's certificate or a cookie."""

import http.client
import json
import os
import ssl


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Console:
    """One way to ask; `certificate` and `key` are files, `cookie` is what a sign-in gave."""

    def __init__(self, fleet, certificate=None, key=None, cookie=None):
        self.host, self.port = "127.0.0.1", int(fleet.port_of("console"))
        self.tls = ssl.create_default_context(cafile=os.path.join(fleet.data, "admin", "root.pem"))
        if certificate is not None:
            self.tls.load_cert_chain(certificate, key)
        self.cookie = cookie

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=60)

    def ask(self, path, method="GET", body=None, headers=None):
        connection = self.connect()
        sent = dict(headers or {})
        if self.cookie is not None:
            sent["Cookie"] = self.cookie
        connection.request(method, path, body=body, headers=sent)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def get(self, path):
        """The JSON at `path`, which must be there."""
        answer = self.ask(path)
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {answer.body[:300]}")
        return answer.json()


def as_operator(fleet):
    admin = os.path.join(fleet.data, "admin")
    return Console(fleet, f"{admin}/operator.pem", f"{admin}/operator-key.pem")


def complaints(schema, value, document, where="answer"):
    """What `value` has against `schema`: the part of JSON Schema that our OpenAPI document uses."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from complaints(document["components"]["schemas"][name], value, document, where)
        return
    if "anyOf" in schema:
        if all(list(complaints(one, value, document, where)) for one in schema["anyOf"]):
            yield f"{where}: fits none of {schema['anyOf']}"
        return
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
             "null": type(None)}
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(type(value) is kinds[one] for one in wanted):
        yield f"{where}: {value!r} is no {wanted}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}: no {name}"
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if isinstance(known, dict):
                yield from complaints(known, inner, document, f"{where}.{name}")
            elif "properties" in schema and name not in ("apiVersion", "kind"):
                yield f"{where}: {name} is not in the document"
    if isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            yield from complaints(schema["items"], inner, document, f"{where}[{number}]")
