#include "common/manifest/object.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

constexpr size_t kNameBytesMax = 253;
constexpr size_t kNamespaceBytesMax = 63;

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

// `text` within quotes, short enough and harmless to print.
std::string Quoted(absl::string_view text) {
  constexpr size_t kShown = 80;
  const bool cut = text.size() > kShown;
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, kShown)), cut ? "...'" : "'");
}

// The string at `pointer`; empty when it is absent or null.
absl::StatusOr<std::string> StringAt(const Value& value, absl::string_view pointer) {
  const Value* found = value.Find(pointer);
  if (found == nullptr || found->is_null()) return std::string();
  if (!found->is_string()) {
    return Invalid(absl::StrCat(pointer.substr(1), " is a ", KindName(found->kind()),
                                ", a string is needed",
                                found->is_number() || found->is_bool() ? "; quote it" : ""));
  }
  return found->string();
}

// What every API server asks of a name (ValidatePathSegmentName), and no control characters.
absl::Status CheckName(absl::string_view name) {
  const auto refuse = [&](absl::string_view why) {
    return Invalid(absl::StrCat("metadata/name ", Quoted(name), " ", why));
  };
  if (name.size() > kNameBytesMax) {
    return refuse(absl::StrCat("is longer than ", kNameBytesMax, " bytes"));
  }
  if (name.empty() || name == "." || name == "..") return refuse("is not allowed");
  for (const char c : name) {
    if (c == '/' || c == '%' || absl::ascii_iscntrl(c) || absl::ascii_isspace(c)) {
      return refuse("has a character that a name cannot have");
    }
  }
  return absl::OkStatus();
}

// A DNS label (RFC 1123): the form of a namespace.
bool IsLabel(absl::string_view text) {
  if (text.empty() || text.size() > kNamespaceBytesMax) return false;
  for (const char c : text) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') return false;
  }
  return text.front() != '-' && text.back() != '-';
}

// DNS labels with dots between them: the form of a group.
bool IsDomain(absl::string_view text) {
  if (text.size() > kNameBytesMax) return false;
  for (absl::string_view label : absl::StrSplit(text, '.')) {
    if (!IsLabel(label)) return false;
  }
  return true;
}

// Whether it reads like "v1" or "v2beta3": so versions without a group are told from groups.
bool IsVersion(absl::string_view text) {
  const auto consume_digits = [&] {
    const size_t size = text.size();
    while (!text.empty() && absl::ascii_isdigit(text[0])) text.remove_prefix(1);
    return text.size() < size;
  };
  if (!absl::ConsumePrefix(&text, "v") || !consume_digits()) return false;
  if (text.empty()) return true;
  return (absl::ConsumePrefix(&text, "alpha") || absl::ConsumePrefix(&text, "beta")) &&
         consume_digits() && text.empty();
}

absl::Status CheckApiVersion(absl::string_view api_version) {
  const std::vector<absl::string_view> parts = absl::StrSplit(api_version, '/');
  const bool is_core = parts.size() == 1 && IsVersion(parts[0]);
  const bool has_group =
      parts.size() == 2 && IsDomain(parts[0]) && !IsVersion(parts[0]) && IsLabel(parts[1]);
  if (is_core || has_group) return absl::OkStatus();
  return Invalid(absl::StrCat("apiVersion ", Quoted(api_version),
                              " has the wrong form; write 'v1' or 'group/version'"));
}

absl::Status CheckKind(absl::string_view kind) {
  bool good = !kind.empty() && kind.size() <= kNamespaceBytesMax && absl::ascii_isalpha(kind[0]);
  for (const char c : kind) good = good && (absl::ascii_isalnum(c) || c == '-');
  if (good) return absl::OkStatus();
  return Invalid(absl::StrCat("kind ", Quoted(kind), " has the wrong form; write one word"));
}

// Labels and annotations are text; `replicas: "3"` without the quotes is the commonest mistake
// there, and otherwise each API server would refuse it on its own.
absl::Status CheckTexts(const Value& value, absl::string_view pointer) {
  const Value* found = value.Find(pointer);
  if (found == nullptr || found->is_null()) return absl::OkStatus();
  if (!found->is_map()) {
    return Invalid(
        absl::StrCat(pointer.substr(1), " is a ", KindName(found->kind()), ", a map is needed"));
  }
  for (const Member& member : found->map()) {
    if (member.value.is_null()) continue;
    RETURN_IF_ERROR(StringAt(value, JoinPointer(pointer, member.key)).status());
  }
  return absl::OkStatus();
}

// A word for the object at hand, as far as it is known: "Deployment 'web'".
std::string Describe(const Value& value) {
  std::string out;
  const Value* kind = value.Get("kind");
  if (kind != nullptr && kind->is_string()) out = kind->string().substr(0, 64);
  const Value* name = value.Find("/metadata/name");
  if (name != nullptr && name->is_string()) {
    absl::StrAppend(&out, out.empty() ? "" : " ", Quoted(name->string()));
  }
  return out.empty() ? "object" : out;
}

absl::StatusOr<ObjectKey> KeyOf(const Value& value) {
  if (!value.is_map()) {
    return Invalid(absl::StrCat("an object must be a map, this is a ", KindName(value.kind())));
  }
  ObjectKey key;
  ASSIGN_OR_RETURN(key.api_version, StringAt(value, "/apiVersion"));
  if (key.api_version.empty()) return Invalid("no apiVersion");
  ASSIGN_OR_RETURN(key.kind, StringAt(value, "/kind"));
  if (key.kind.empty()) return Invalid("no kind");

  const Value* metadata = value.Get("metadata");
  if (metadata != nullptr && !metadata->is_map() && !metadata->is_null()) {
    return Invalid(absl::StrCat("metadata is a ", KindName(metadata->kind()), ", a map is needed"));
  }
  ASSIGN_OR_RETURN(key.name, StringAt(value, "/metadata/name"));
  if (key.name.empty()) {
    ASSIGN_OR_RETURN(const std::string generate_name, StringAt(value, "/metadata/generateName"));
    if (!generate_name.empty()) {
      return Invalid(absl::StrCat("only generateName ", Quoted(generate_name),
                                  "; what is kept in step with Git needs a fixed metadata.name"));
    }
    return Invalid("no metadata.name");
  }
  ASSIGN_OR_RETURN(key.namespace_, StringAt(value, "/metadata/namespace"));
  RETURN_IF_ERROR(CheckKey(key));
  RETURN_IF_ERROR(CheckTexts(value, "/metadata/labels"));
  RETURN_IF_ERROR(CheckTexts(value, "/metadata/annotations"));
  return key;
}

absl::Status Expand(Value value, const std::string& pointer, int depth,
                    std::vector<ListItem>& out) {
  const Value* kind = value.Get("kind");
  const bool is_list = kind != nullptr && kind->is_string() &&
                       absl::EndsWith(kind->string(), "List") && value.Get("items") != nullptr &&
                       value.Find("/metadata/name") == nullptr;
  if (!is_list) {
    out.push_back(ListItem{std::move(value), pointer});
    return absl::OkStatus();
  }
  // Deeper than a parser lets a document be only when it was made by hand.
  if (depth > limits::kYamlDepthMax) return Invalid("lists within lists without end");
  const std::string items_pointer = absl::StrCat(pointer, "/items");
  Value& items = *value.Get("items");
  if (items.is_null()) return absl::OkStatus();
  if (!items.is_list()) {
    return Invalid(absl::StrCat(kind->string(), ": items is a ", KindName(items.kind()),
                                ", a list is needed"));
  }
  for (size_t i = 0; i < items.list().size(); ++i) {
    Value& item = items.list()[i];
    if (!item.is_map()) {
      return Invalid(absl::StrCat(kind->string(), ": items/", i, " is a ", KindName(item.kind()),
                                  ", an object is needed"));
    }
    RETURN_IF_ERROR(Expand(std::move(item), absl::StrCat(items_pointer, "/", i), depth + 1, out));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view ObjectKey::group() const {
  const size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : absl::string_view(api_version).substr(0, slash);
}

absl::string_view ObjectKey::version() const {
  const size_t slash = api_version.find('/');
  return slash == std::string::npos ? api_version
                                    : absl::string_view(api_version).substr(slash + 1);
}

std::string ObjectKey::text() const {
  return absl::StrCat(api_version, "/", kind, "/", namespace_, namespace_.empty() ? "" : "/", name);
}

absl::StatusOr<ObjectKey> ObjectKey::FromText(absl::string_view text) {
  std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  const size_t kind = IsVersion(parts[0]) ? 1 : 2;  // where the kind stands
  const size_t rest = parts.size() > kind ? parts.size() - kind - 1 : 0;
  for (absl::string_view part : parts) {
    if (part.empty() || rest < 1 || rest > 2) {
      return Invalid(
          absl::StrCat("object key ", Quoted(text),
                       " has the wrong form; write [GROUP/]VERSION/Kind/[NAMESPACE/]NAME"));
    }
  }
  ObjectKey key;
  key.api_version = absl::StrJoin(parts.begin(), parts.begin() + kind, "/");
  key.kind = std::string(parts[kind]);
  if (rest == 2) key.namespace_ = std::string(parts[kind + 1]);
  key.name = std::string(parts.back());
  RETURN_IF_ERROR(CheckKey(key));
  return key;
}

absl::Status CheckKey(const ObjectKey& key) {
  RETURN_IF_ERROR(CheckApiVersion(key.api_version));
  RETURN_IF_ERROR(CheckKind(key.kind));
  RETURN_IF_ERROR(CheckName(key.name));
  if (key.namespace_.empty() || IsLabel(key.namespace_)) return absl::OkStatus();
  return Invalid(absl::StrCat("metadata/namespace ", Quoted(key.namespace_),
                              " is no DNS label (lower-case letters, digits and '-')"));
}

absl::StatusOr<Object> MakeObject(Value value) {
  absl::StatusOr<ObjectKey> key = KeyOf(value);
  if (!key.ok()) return Annotate(key.status(), Describe(value));
  return Object{*std::move(key), std::move(value)};
}

absl::StatusOr<std::vector<ListItem>> ExpandLists(Value document) {
  std::vector<ListItem> items;
  RETURN_IF_ERROR(Expand(std::move(document), "", 0, items));
  return items;
}

}  // namespace muster
