#include "common/render/kustomize/parsed_files.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/folded.h"

namespace muster::kustomize {
namespace {

using SharedText = std::shared_ptr<const std::string>;

// The lines of a text, found when they are first asked for.
class Lines {
 public:
  explicit Lines(absl::string_view text) : text_(text) {}

  // The line with that number, counting from 1, without its end; "" when there is none.
  absl::string_view At(int number) {
    if (starts_.empty()) {
      starts_.push_back(0);
      for (size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n') starts_.push_back(i + 1);
      }
    }
    if (number < 1 || static_cast<size_t>(number) > starts_.size()) return "";
    const absl::string_view rest = text_.substr(starts_[number - 1]);
    return rest.substr(0, rest.find_first_of("\r\n"));
  }

 private:
  const absl::string_view text_;
  std::vector<size_t> starts_;
};

// What stands behind a key on its line; nullopt when the line does not start with the key.
std::optional<absl::string_view> AfterKey(absl::string_view line, absl::string_view key) {
  const absl::string_view quotes = "\"'";
  if (!line.empty() && absl::StrContains(quotes, line.substr(0, 1))) {
    const size_t end = line.find(line[0], 1);
    if (end == line.npos) return std::nullopt;
    line.remove_prefix(end + 1);
  } else if (!absl::ConsumePrefix(&line, key)) {
    return std::nullopt;
  }
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, ":")) return std::nullopt;
  return absl::StripLeadingAsciiWhitespace(line);
}

// How the values of a document were spelled, where Kustomize makes a difference of it.
class Spelling {
 public:
  Spelling(const Document& document, Lines& lines) : document_(document), lines_(lines) {}

  // Looks through `value`, which stands at `pointer`.
  void Read(const Value& value, const std::string& pointer) {
    base_ = pointer.size();
    Visit(value, pointer);
  }

  // The pointers, from that value on, of nulls in maps that were spelled as nothing.
  std::vector<std::string> bare_nulls;
  // Of texts that were folded and come out otherwise (folded.h), with what they become.
  std::vector<std::pair<std::string, std::string>> refolded;

 private:
  // The depth of a document is limited by its reader.
  void Visit(const Value& value, const std::string& pointer) {
    if (value.is_list()) {
      for (size_t i = 0; i < value.list().size(); ++i) {
        const Value& element = value.list()[i];
        if (IsOfInterest(element)) VisitChild(element, absl::StrCat(pointer, "/", i), nullptr);
      }
    } else if (value.is_map()) {
      for (const Member& member : value.map()) {
        if (!IsOfInterest(member.value)) continue;
        VisitChild(member.value, JoinPointer(pointer, member.key), &member.key);
      }
    }
  }

  void VisitChild(const Value& value, const std::string& pointer, const std::string* key) {
    if (value.is_map() || value.is_list()) return Visit(value, pointer);
    const std::optional<absl::string_view> spelled = SpelledAt(pointer, key);
    if (!spelled.has_value()) return;
    if (value.is_null()) {
      const bool is_bare = spelled->empty() || absl::StrContains("#,}", spelled->substr(0, 1));
      if (is_bare && key != nullptr) bare_nulls.push_back(pointer.substr(base_));
    } else if (absl::StartsWith(*spelled, ">")) {
      std::string folded = FoldAndRead(value.string());
      if (folded != value.string()) refolded.emplace_back(pointer.substr(base_), std::move(folded));
    }
  }

  static bool IsOfInterest(const Value& value) {
    if (value.is_string()) {
      const size_t first = value.string().find('\n');
      return first != std::string::npos && first + 1 < value.string().size();
    }
    return value.is_null() || value.is_map() || value.is_list();
  }

  std::optional<absl::string_view> SpelledAt(const std::string& pointer, const std::string* key) {
    const Mark mark = document_.positions.Find(pointer);
    absl::string_view line = lines_.At(mark.line);
    line.remove_prefix(std::min(line.size(), static_cast<size_t>(mark.column - 1)));
    return key == nullptr ? line : AfterKey(line, *key);
  }

  const Document& document_;
  Lines& lines_;
  size_t base_ = 0;
};

// Whether the spelling of anything in the value matters.
bool NeedsSpelling(const Value& value) {
  if (value.is_null()) return true;
  if (value.is_string()) return value.string().find("\n") != std::string::npos;
  if (value.is_list()) {
    return std::any_of(value.list().begin(), value.list().end(), NeedsSpelling);
  }
  if (!value.is_map()) return false;
  return std::any_of(value.map().begin(), value.map().end(),
                     [](const Member& member) { return NeedsSpelling(member.value); });
}

// A node that becomes a resource, or a list of such.
struct Node {
  const Document* document;
  const Value* value;
  std::string pointer;
};

bool IsEmpty(const Value& value) {
  return value.is_null() || (value.is_map() && value.map().empty()) ||
         (value.is_list() && value.list().empty());
}

// What Kustomize asks of an object: a kind, and a name unless it is a list.
absl::Status CheckObject(const Node& node) {
  const std::string where = node.document->Where(node.pointer);
  if (!node.value->is_map()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": this is a ", KindName(node.value->kind()),
                     " and no Kubernetes object, which is a map with apiVersion, kind, metadata"));
  }
  const ResId id = ResId::OfObject(*node.value);
  if (id.gvk.kind.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, ": this is no Kubernetes object: it has no kind",
        node.value->Get("resources") != nullptr ? "; is it a kustomization under another name?"
                                                : ""));
  }
  if (id.name.empty() && !absl::EndsWith(id.gvk.kind, "List")) {
    const Value* generate = node.value->Find("/metadata/generateName");
    return absl::InvalidArgumentError(absl::StrCat(
        where, ": this ", id.gvk.kind, " has no metadata.name",
        generate != nullptr ? "; generateName names nothing that could be compared with Git" : ""));
  }
  return absl::OkStatus();
}

// Appends the items of a list. `items` is what stands under that key.
absl::Status AppendItems(const Node& list, const Value& items, std::deque<Node>& nodes) {
  const std::string pointer = JoinPointer(list.pointer, "items");
  if (items.is_null()) return absl::OkStatus();
  if (!items.is_list()) {
    return absl::InvalidArgumentError(absl::StrCat(list.document->Where(pointer),
                                                   ": items of a list must be a list, this is a ",
                                                   KindName(items.kind())));
  }
  for (size_t i = 0; i < items.list().size(); ++i) {
    const Node node{list.document, &items.list()[i], absl::StrCat(pointer, "/", i)};
    if (IsEmpty(*node.value)) continue;
    RETURN_IF_ERROR(CheckObject(node));
    nodes.push_back(node);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Resource>> ResourcesOf(const SharedDocuments& documents,
                                                  const SharedText& file, absl::string_view bytes) {
  std::deque<Node> nodes;
  for (const Document& document : *documents) {
    const Node node{&document, &document.value, ""};
    if (IsEmpty(document.value)) continue;
    RETURN_IF_ERROR(CheckObject(node));
    nodes.push_back(node);
  }
  Lines lines(bytes);
  std::vector<Resource> resources;
  // Lists are taken apart at the end, as Kustomize does.
  for (; !nodes.empty(); nodes.pop_front()) {
    const Node node = nodes.front();
    const Value* items = node.value->Get("items");
    const ResId id = ResId::OfObject(*node.value);
    if (absl::EndsWith(id.gvk.kind, "List") && items != nullptr) {
      RETURN_IF_ERROR(AppendItems(node, *items, nodes));
      continue;
    }
    const Place place{file, node.document->positions.Find(node.pointer).line};
    Resource resource(std::shared_ptr<const Value>(documents, node.value), place);
    if (NeedsSpelling(*node.value)) {
      Spelling spelling(*node.document, lines);
      spelling.Read(*node.value, node.pointer);
      if (!spelling.bare_nulls.empty()) {
        resource.bare_nulls =
            std::make_shared<const std::vector<std::string>>(std::move(spelling.bare_nulls));
      }
      for (auto& [pointer, text] : spelling.refolded) {
        resource.Mutable().Set(pointer, Value(std::move(text)));
      }
    }
    resources.push_back(std::move(resource));
  }
  return resources;
}

absl::StatusOr<std::vector<Resource>> ResourcesOfText(const std::string& text, const Place& place) {
  const std::string where = place.text();
  ASSIGN_OR_RETURN(Documents documents, ParseYaml(text, absl::StrCat(where, " (inline)")));
  absl::StatusOr<std::vector<Resource>> resources =
      ResourcesOf(std::make_shared<Documents>(std::move(documents)), place.file, text);
  if (!resources.ok()) return resources.status();
  for (Resource& resource : *resources) resource.place = place;
  return resources;
}

absl::StatusOr<SharedDocuments> ParsedFiles::Read(const std::string& path,
                                                  const std::string& bytes) {
  const auto known = documents_.find(path);
  if (known != documents_.end()) return known->second;
  absl::StatusOr<Documents> documents = ParseYaml(bytes, path);
  absl::StatusOr<SharedDocuments> shared =
      documents.ok()
          ? absl::StatusOr<SharedDocuments>(std::make_shared<Documents>(*std::move(documents)))
          : documents.status();
  return documents_.emplace(path, std::move(shared)).first->second;
}

absl::StatusOr<std::vector<Resource>> ParsedFiles::Resources(const std::string& path,
                                                             const std::string& bytes) {
  const auto known = resources_.find(path);
  if (known != resources_.end()) return known->second;
  absl::StatusOr<SharedDocuments> documents = Read(path, bytes);
  absl::StatusOr<std::vector<Resource>> resources =
      documents.ok() ? ResourcesOf(*documents, std::make_shared<const std::string>(path), bytes)
                     : documents.status();
  return resources_.emplace(path, std::move(resources)).first->second;
}

}  // namespace muster::kustomize
