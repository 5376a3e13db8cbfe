// Documents: our messages as people and programs read them, by one rule for all: what `muster -o
// json` prints and what the HTTP API answers is the same.
//
// Names are lowerCamel. Every field is always there; what is absent is null. Enumerations are the
// status words ("OutOfSync"), digests are hexadecimal, times RFC 3339 in UTC ("x_ms" becomes
// "xAt"), durations Go's ("1m30s"), labels and variables a map. docs/cli.md shows the shapes. Pure;
// any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace muster {

inline constexpr absl::string_view kApiVersion = "muster.dev/v1alpha1";

// The fields of `message`, by the rule above.
Value::Map DocumentOf(const google::protobuf::Message& message);

// {"apiVersion": ..., "kind": kind} and the fields of `body`.
Value Typed(absl::string_view kind, Value::Map body);

// {"apiVersion", "kind": "<kind>List", "items", "nextPageToken"}.
Value ListDocument(absl::string_view kind, std::vector<Value> items,
                   absl::string_view next_page_token);

// The word for an enumeration's value: SYNC_STATUS_OUT_OF_SYNC is "OutOfSync"; unspecified and
// unknown ones are "Unknown".
std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number);

// The name that the document gives to a field: "lastSeenAt" for last_seen_ms.
std::string DocumentKey(const google::protobuf::FieldDescriptor& field);

// The JSON Schema of documents made of such messages; those inside are
// {"$ref": "#/components/schemas/<name>"}.
Value::Map DocumentSchema(const google::protobuf::Descriptor& type);

}  // namespace muster
