// Label selectors: which clusters a selector means.
//
// Used by placement, by the hub's lists (`-l` of the CLI) and by the parser of the fleet
// repository. Semantics are those of metav1.LabelSelector. Pure; any thread.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "proto/fleet.pb.h"

namespace muster {

// Labels by key.
using Labels = std::map<std::string, std::string, std::less<>>;

Labels LabelsOf(const google::protobuf::RepeatedPtrField<v1::Label>& labels);

// Whether `labels` satisfy every part of `selector`. An empty selector matches everything; a
// malformed one (CheckSelector) matches nothing. As in Kubernetes, NotIn and DoesNotExist match
// when the key is absent. Absence of the selector itself is the caller's: it selects nothing.
bool Matches(const v1::LabelSelector& selector, const Labels& labels);

// kInvalidArgument for a selector that Kubernetes would refuse: a bad key or value, In without
// values, Exists with some, an unknown operator.
absl::Status CheckSelector(const v1::LabelSelector& selector);

// Reads what kubectl takes after -l: "env=prod,tier in (a,b),region!=eu,!legacy,team". Only blanks
// between the words is everything. kInvalidArgument, naming the part, for anything else.
absl::StatusOr<v1::LabelSelector> ParseSelector(absl::string_view text);

// The selector as ParseSelector reads it; "" for one that selects everything.
std::string SelectorText(const v1::LabelSelector& selector);

}  // namespace muster
