#include "common/render/kustomize/node_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/suggest.h"

namespace muster::kustomize {
namespace {

// "this is a number; quote it to make it a text"
std::string WrongKind(absl::string_view field, absl::string_view wanted, const Value& value) {
  const bool quotable = wanted == "text" && (value.is_number() || value.is_bool());
  return absl::StrCat(field, " must be a ", wanted, ", and this is a ", KindName(value.kind()),
                      quotable ? "; quote it" : "");
}

}  // namespace

absl::Status Node::Error(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(document->Where(pointer), ": ", what));
}

Node RootOf(const Document& document) {
  return {&document, &document.value, "", std::make_shared<const std::string>(document.file)};
}

absl::StatusOr<std::string> TextOf(const Node& node, absl::string_view what) {
  if (node.value == nullptr || !node.value->is_string()) {
    static const Value* const null = new Value();
    return node.Error(WrongKind(what, "text", node.value == nullptr ? *null : *node.value));
  }
  return node.value->string();
}

absl::StatusOr<MapReader> MapReader::Open(Node node, absl::string_view what,
                                          const std::vector<absl::string_view>& known) {
  if (node.value == nullptr || !node.value->is_map()) {
    return node.Error(absl::StrCat(what, " must be a map"));
  }
  MapReader reader(std::move(node));
  if (known.empty()) return reader;
  for (const Member& member : reader.node_.value->map()) {
    const bool is_known = std::any_of(
        known.begin(), known.end(),
        [&member](absl::string_view name) { return absl::EqualsIgnoreCase(name, member.key); });
    if (is_known) continue;
    const std::string suggestion = DidYouMean(member.key, known);
    Node at = reader.node_;
    at.pointer = JoinPointer(at.pointer, member.key);
    return at.Error(absl::StrCat("unknown field '", member.key, "' of ", what,
                                 suggestion.empty() && known.size() < 12
                                     ? absl::StrCat("; known are ", absl::StrJoin(known, ", "))
                                     : suggestion));
  }
  return reader;
}

const Member* MapReader::Find(absl::string_view name) const {
  const Member* similar = nullptr;
  for (const Member& member : node_.value->map()) {
    if (member.key == name) return &member;
    if (absl::EqualsIgnoreCase(member.key, name)) similar = &member;
  }
  return similar;
}

bool MapReader::Has(absl::string_view name) const {
  const Member* member = Find(name);
  return member != nullptr && !member->value.is_null();
}

Node MapReader::At(absl::string_view name) const {
  const Member* member = Find(name);
  Node node = node_;
  node.value = member == nullptr ? nullptr : &member->value;
  node.pointer = JoinPointer(node_.pointer, member == nullptr ? name : member->key);
  return node;
}

absl::Status MapReader::Text(absl::string_view name, std::string& out) const {
  if (!Has(name)) return absl::OkStatus();
  ASSIGN_OR_RETURN(out, TextOf(At(name), name));
  return absl::OkStatus();
}

absl::Status MapReader::Bool(absl::string_view name, bool& out) const {
  if (!Has(name)) return absl::OkStatus();
  const Node node = At(name);
  if (node.value->is_bool()) {
    out = node.value->boolean();
    return absl::OkStatus();
  }
  // Kustomize reads its own files, and no others, as YAML 1.1.
  if (node.value->is_string()) {
    const std::string word = absl::AsciiStrToLower(node.value->string());
    out = word == "yes" || word == "on" || word == "y";
    if (out || word == "no" || word == "off" || word == "n") return absl::OkStatus();
  }
  return node.Error(WrongKind(name, "bool", *node.value));
}

absl::Status MapReader::Integer(absl::string_view name, std::string& out) const {
  if (!Has(name)) return absl::OkStatus();
  const Node node = At(name);
  const std::optional<int64_t> number =
      node.value->is_number() ? node.value->AsInt64() : std::nullopt;
  if (!number.has_value()) return node.Error(absl::StrCat(name, " must be an integer"));
  out = std::to_string(*number);
  return absl::OkStatus();
}

absl::Status MapReader::TextMap(absl::string_view name,
                                std::map<std::string, std::string>& out) const {
  if (!Has(name)) return absl::OkStatus();
  const Node node = At(name);
  if (!node.value->is_map()) return node.Error(WrongKind(name, "map", *node.value));
  for (const Member& member : node.value->map()) {
    Node at = node;
    at.pointer = JoinPointer(node.pointer, member.key);
    at.value = &member.value;
    // Go makes an empty text of a null.
    if (member.value.is_null()) {
      out[member.key] = "";
      continue;
    }
    ASSIGN_OR_RETURN(out[member.key], TextOf(at, absl::StrCat(name, ".", member.key)));
  }
  return absl::OkStatus();
}

absl::Status MapReader::Texts(absl::string_view name, std::vector<std::string>& out) const {
  return Each(name, [&](const Node& element) -> absl::Status {
    ASSIGN_OR_RETURN(std::string text, TextOf(element, absl::StrCat("each of ", name)));
    out.push_back(std::move(text));
    return absl::OkStatus();
  });
}

absl::Status MapReader::Each(absl::string_view name,
                             absl::FunctionRef<absl::Status(const Node&)> read) const {
  if (!Has(name)) return absl::OkStatus();
  const Node list = At(name);
  if (!list.value->is_list()) return list.Error(WrongKind(name, "list", *list.value));
  for (size_t i = 0; i < list.value->list().size(); ++i) {
    Node element = list;
    element.value = &list.value->list()[i];
    element.pointer = absl::StrCat(list.pointer, "/", i);
    RETURN_IF_ERROR(read(element));
  }
  return absl::OkStatus();
}

}  // namespace muster::kustomize
