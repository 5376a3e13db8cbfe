#include "common/manifest/yaml_composer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_limits.h"
#include "common/manifest/yaml_scalar.h"

namespace muster {
namespace {

constexpr absl::string_view kTagPrefix = "tag:yaml.org,2002:";
constexpr absl::string_view kMergeTakes = "'<<' takes a map or a list of maps";

// `text` within quotes, short enough and harmless to print.
std::string Quoted(absl::string_view text) {
  constexpr size_t kShown = 60;
  return absl::StrCat("'", absl::Utf8SafeCHexEscape(text.substr(0, kShown)),
                      text.size() > kShown ? "...'" : "'");
}

void MergeMap(Value::Map& from, Value::Map& into) {
  for (auto [key, value] : from) into.Insert(key, std::move(value));
}

// A tag as people write it.
std::string ShortTag(absl::string_view tag) {
  return absl::ConsumePrefix(&tag, kTagPrefix) ? absl::StrCat("!!", tag) : std::string(tag);
}

}  // namespace

absl::Status YamlComposer::Error(Mark mark, absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(file_, ":", mark.line, ":", mark.column, ": ", what));
}

absl::Status YamlComposer::LimitError(Mark mark, absl::string_view what) const {
  return absl::ResourceExhaustedError(
      absl::StrCat(file_, ":", mark.line, ":", mark.column, ": ", what));
}

absl::Status YamlComposer::OnDocumentStart() {
  CHECK(frames_.empty());
  if (++documents_seen_ > limits::kYamlDocumentsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(file_, ": more than ", limits::kYamlDocumentsMax, " documents"));
  }
  anchors_.clear();
  root_ = Value();
  positions_ = Positions();
  return absl::OkStatus();
}

absl::Status YamlComposer::OnDocumentEnd() {
  CHECK(frames_.empty());
  if (!root_.is_null()) {
    documents_.push_back(Document{file_, std::move(root_), std::move(positions_)});
  }
  return absl::OkStatus();
}

bool YamlComposer::ExpectsKey() const {
  return !frames_.empty() && frames_.back().value.is_map() && !frames_.back().has_key;
}

absl::Status YamlComposer::OnScalar(Mark mark, const NodeProperties& properties, std::string text,
                                    bool plain) {
  const bool is_key = ExpectsKey();
  std::string key = is_key ? text : std::string();
  const Weight weight{1, text.size()};
  RETURN_IF_ERROR(Count(mark, weight));
  ASSIGN_OR_RETURN(Value value, ScalarValue(mark, properties.tag, std::move(text), plain));
  if (!properties.anchor.empty()) {
    RETURN_IF_ERROR(Keep(mark, properties.anchor, value, weight, 0));
  }
  if (is_key) return TakeKey(mark, value, std::move(key), plain && properties.tag.empty());
  AddPosition(mark, /*is_list=*/false);
  return Add(mark, std::move(value), 0);
}

absl::StatusOr<Value> YamlComposer::ScalarValue(Mark mark, const std::string& tag, std::string text,
                                                bool plain) const {
  absl::string_view type = tag;
  if (tag == "!" || (tag.empty() && !plain)) return Value(std::move(text));
  if (!tag.empty() && !absl::ConsumePrefix(&type, kTagPrefix)) type = "";
  // Dates stay the text that was written.
  if (type == "str" || type == "timestamp") return Value(std::move(text));
  const bool is_known = type == "int" || type == "float" || type == "bool" || type == "null";
  if (!tag.empty() && !is_known) {
    return Error(mark, absl::StrCat("tag ", Quoted(ShortTag(tag)), " is not supported"));
  }
  absl::StatusOr<Value> value = ResolvePlainScalar(text);
  if (!value.ok()) return Error(mark, value.status().message());
  const Value::Kind kind = value->kind();
  if ((type == "bool" && kind != Value::Kind::kBool) ||
      (type == "null" && kind != Value::Kind::kNull) ||
      ((type == "int" || type == "float") && kind != Value::Kind::kNumber)) {
    return Error(mark, absl::StrCat(Quoted(text), " is not what its tag ", ShortTag(tag), " says"));
  }
  return value;
}

absl::Status YamlComposer::TakeKey(Mark mark, const Value& value, std::string text, bool plain) {
  Frame& frame = frames_.back();
  if (value.is_null()) {
    return Error(mark, "a key is missing or null; quote it to mean the text");
  }
  frame.is_merge = plain && text == "<<";
  if (frame.is_merge && !frame.merges.empty()) {
    return Error(mark, "key '<<' is there twice; write '<<: [*a, *b]' to merge several maps");
  }
  if (!frame.is_merge && frame.value.map().Contains(text)) {
    // The map is still open, so its span is not known yet.
    positions_.nodes_[frame.position].span =
        static_cast<uint32_t>(positions_.nodes_.size() - frame.position);
    Positions::Node& first = positions_.nodes_[positions_.Child(frame.position, text)];
    if (keys_ == YamlKeys::kUnique) {
      return Error(
          mark, absl::StrCat("key ", Quoted(text), " is there twice, first at line ", first.line));
    }
    first.key_hash = ~first.key_hash;  // places are those of the one that counts
  }
  frame.has_key = true;
  frame.key = std::move(text);
  frame.key_mark = mark;
  return absl::OkStatus();
}

absl::Status YamlComposer::OnAlias(Mark mark, const std::string& anchor) {
  if (++aliases_ > limits::kYamlAliasesMax) {
    return LimitError(mark, absl::StrCat("more than ", limits::kYamlAliasesMax, " aliases"));
  }
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    return Error(mark, absl::StrCat("alias *", anchor, " has no anchor &", anchor, " before it"));
  }
  const Anchored& anchored = found->second;
  if (anchored.open) {
    return Error(mark, absl::StrCat("alias *", anchor, " is inside of what &", anchor, " names"));
  }
  // Counted before it is copied: this is where alias bombs end.
  RETURN_IF_ERROR(Count(mark, anchored.weight));
  if (frames_.size() + anchored.height > limits::kYamlDepthMax) {
    return LimitError(mark, absl::StrCat("nested deeper than ", limits::kYamlDepthMax, " levels"));
  }
  if (ExpectsKey()) {
    if (!anchored.value.is_string()) {
      return Error(mark, absl::StrCat("alias *", anchor, " is a ", KindName(anchored.value.kind()),
                                      ", a key must be text"));
    }
    return TakeKey(mark, anchored.value, anchored.value.string(), /*plain=*/false);
  }
  AddPosition(mark, /*is_list=*/false);
  return Add(mark, anchored.value, anchored.height);
}

absl::Status YamlComposer::OnListStart(Mark mark, const NodeProperties& properties) {
  return Open(mark, properties, Value::List());
}

absl::Status YamlComposer::OnMapStart(Mark mark, const NodeProperties& properties) {
  return Open(mark, properties, Value::Map());
}

absl::Status YamlComposer::OnListEnd() { return Close(); }

absl::Status YamlComposer::OnMapEnd() {
  RETURN_IF_ERROR(Merge(frames_.back()));
  return Close();
}

absl::Status YamlComposer::Open(Mark mark, const NodeProperties& properties, Value value) {
  const absl::string_view kind = KindName(value.kind());
  if (ExpectsKey()) {
    return Error(mark, absl::StrCat("a ", kind,
                                    " cannot be a key; if this is a template, render it first; if "
                                    "it is text, quote it"));
  }
  if (!properties.tag.empty() && properties.tag != "!" &&
      properties.tag != absl::StrCat(kTagPrefix, value.is_map() ? "map" : "seq")) {
    return Error(mark, absl::StrCat("tag ", Quoted(ShortTag(properties.tag)), " is not supported"));
  }
  if (frames_.size() >= limits::kYamlDepthMax) {
    return LimitError(mark, absl::StrCat("nested deeper than ", limits::kYamlDepthMax, " levels"));
  }
  if (!properties.anchor.empty()) anchors_[properties.anchor] = Anchored();
  Frame frame;
  frame.before = weight_;
  RETURN_IF_ERROR(Count(mark, {1, 0}));
  frame.position = AddPosition(mark, value.is_list());
  frame.value = std::move(value);
  frame.mark = mark;
  frame.anchor = properties.anchor;
  frames_.push_back(std::move(frame));
  return absl::OkStatus();
}

absl::Status YamlComposer::Close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  positions_.nodes_[frame.position].span =
      static_cast<uint32_t>(positions_.nodes_.size() - frame.position);
  if (!frame.anchor.empty()) {
    const Weight weight{weight_.nodes - frame.before.nodes, weight_.bytes - frame.before.bytes};
    RETURN_IF_ERROR(Keep(frame.mark, frame.anchor, frame.value, weight, frame.height));
  }
  return Add(frame.mark, std::move(frame.value), frame.height);
}

absl::Status YamlComposer::Keep(Mark mark, const std::string& anchor, const Value& value,
                                Weight weight, int height) {
  // Anchors within anchors are copied once for each level, so these count against limits too.
  if (weight.nodes > kYamlNodesMax - kept_.nodes ||
      weight.bytes > limits::kYamlExpandedBytesMax - kept_.bytes) {
    return LimitError(mark, absl::StrCat("anchors name more than ", kYamlNodesMax, " nodes or ",
                                         limits::kYamlExpandedBytesMax, " bytes in all"));
  }
  kept_.nodes += weight.nodes;
  kept_.bytes += weight.bytes;
  anchors_[anchor] = Anchored{false, value, weight, height};
  return absl::OkStatus();
}

absl::Status YamlComposer::Count(Mark mark, Weight weight) {
  if (weight.nodes > kYamlNodesMax - weight_.nodes) {
    return LimitError(
        mark, absl::StrCat("more than ", kYamlNodesMax, " nodes, counted with aliases expanded"));
  }
  if (weight.bytes > limits::kYamlExpandedBytesMax - weight_.bytes) {
    return LimitError(mark, absl::StrCat("more than ", limits::kYamlExpandedBytesMax,
                                         " bytes of text, counted with aliases expanded"));
  }
  weight_.nodes += weight.nodes;
  weight_.bytes += weight.bytes;
  return absl::OkStatus();
}

size_t YamlComposer::AddPosition(Mark mark, bool is_list) {
  uint32_t key_hash = 0;
  if (!frames_.empty() && frames_.back().has_key) {
    key_hash = Positions::HashKey(frames_.back().key);
    mark = frames_.back().key_mark;
  }
  positions_.nodes_.push_back({key_hash, static_cast<uint32_t>(mark.line),
                               static_cast<uint32_t>(mark.column), is_list ? 1u : 0u, 1});
  return positions_.nodes_.size() - 1;
}

absl::Status YamlComposer::Add(Mark mark, Value value, int height) {
  if (frames_.empty()) {
    root_ = std::move(value);
    return absl::OkStatus();
  }
  Frame& frame = frames_.back();
  frame.height = std::max(frame.height, height + 1);
  if (frame.value.is_list()) {
    frame.value.list().push_back(std::move(value));
    return absl::OkStatus();
  }
  CHECK(frame.has_key);
  frame.has_key = false;
  if (frame.is_merge) {
    frame.merges.emplace_back(std::move(value), mark);
  } else if (keys_ == YamlKeys::kLastWins) {
    frame.value.map().Set(std::move(frame.key), std::move(value));
  } else {
    CHECK(frame.value.map().Insert(std::move(frame.key), std::move(value)));
  }
  return absl::OkStatus();
}

// The map's own keys win, then those of the earlier map; Insert leaves alone what is there.
absl::Status YamlComposer::Merge(Frame& frame) {
  Value::Map& target = frame.value.map();
  for (auto& [value, mark] : frame.merges) {
    if (value.is_map()) {
      MergeMap(value.map(), target);
      continue;
    }
    if (!value.is_list()) return Error(mark, kMergeTakes);
    for (Value& element : value.list()) {
      if (!element.is_map()) return Error(mark, kMergeTakes);
      MergeMap(element.map(), target);
    }
  }
  return absl::OkStatus();
}

}  // namespace muster
