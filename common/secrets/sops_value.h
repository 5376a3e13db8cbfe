// One value of a SOPS document: "ENC[AES256_GCM,data:...,iv:...,tag:...,type:str]".
//
// Only for this folder. Any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster::sops {

// The bytes of a value that its document's MAC covers; nothing for null, which it does not cover.
// kInvalidArgument for a number that SOPS has no form for, and for lists and maps.
absl::StatusOr<std::optional<std::string>> MacBytes(const Value& value);

// An opened value. A comment, which some formats keep among a list's elements, is none. A string
// may be any bytes. The errors say what is wrong with "it".
absl::StatusOr<std::optional<Value>> OpenValue(absl::string_view sealed, absl::string_view data_key,
                                               absl::string_view context);

// Requires: a string, number or boolean that MacBytes takes.
std::string SealValue(const Value& value, absl::string_view data_key, absl::string_view context);

}  // namespace muster::sops
