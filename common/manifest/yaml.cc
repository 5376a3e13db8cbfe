#include "common/manifest/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/utf8.h"
#include "common/manifest/yaml_composer.h"
#include "common/manifest/yaml_last_key.h"
#include "common/manifest/yaml_plain_reader.h"
#include "common/manifest/yaml_second_reader.h"

namespace muster {
namespace {

Mark FromLibrary(const yaml_mark_t& mark) {
  return Mark{static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
}

// The place of the byte at `offset`.
Mark MarkOf(absl::string_view text, size_t offset) {
  Mark mark;
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      ++mark.line;
      mark.column = 1;
    } else if ((byte & 0xC0) != 0x80) {
      ++mark.column;
    }
  }
  return mark;
}

// The whole line with that number, without its end.
absl::string_view LineOf(absl::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find_first_of("\r\n"));
}

std::string Text(const yaml_char_t* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

NodeProperties Properties(const yaml_char_t* anchor, const yaml_char_t* tag) {
  return NodeProperties{Text(anchor), Text(tag)};
}

// A place and what is wrong there, in words that help.
struct Problem {
  Mark mark;
  std::string what;
};

// What the library complains about, told from the writer's side.
Problem Explain(const yaml_parser_t& parser, absl::string_view text) {
  const absl::string_view problem = parser.problem == nullptr ? "" : parser.problem;
  const absl::string_view context = parser.context == nullptr ? "" : parser.context;
  const Mark mark = FromLibrary(parser.problem_mark);
  const Mark began = FromLibrary(parser.context_mark);
  const absl::string_view line = LineOf(text, mark.line);
  const absl::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
  if (absl::StrContains(indentation, '\t')) {
    return {{mark.line, static_cast<int>(indentation.find('\t')) + 1},
            "tab used for indentation; use spaces"};
  }
  if (absl::StrContains(line, "{{") || absl::StrContains(line, "{%")) {
    return {mark, absl::StrCat(problem, "; if this is a template, render it first")};
  }
  if (problem == "could not find expected ':'") {
    return {began, "neither 'key: value' nor '- element'; is a ':' missing?"};
  }
  if (problem == "mapping values are not allowed in this context") {
    return {mark, "a second ': ' in one value, or wrong indentation; quote text that has ': '"};
  }
  if (problem == "found character that cannot start any token") {
    return {mark, "a value cannot start with this character; quote it"};
  }
  if (problem == "found unexpected end of stream" && absl::StrContains(context, "quoted")) {
    return {began, "the quote that opens here is never closed"};
  }
  if (problem == "did not find expected <document start>") {
    return {mark, "unexpected text after the end of the document; '---' starts another one"};
  }
  if (problem == "did not find expected key") {
    return {mark, absl::StrCat("expected another key of the map that starts at line ", began.line,
                               "; is the indentation right?")};
  }
  if (problem == "did not find expected '-' indicator") {
    return {mark, absl::StrCat("expected another '-' of the list that starts at line ", began.line,
                               "; is the indentation right?")};
  }
  if (context.empty()) return {mark, std::string(problem)};
  return {mark, absl::StrCat(problem, ", ", context,
                             began.line != mark.line ? absl::StrCat(" from line ", began.line)
                                                     : std::string())};
}

// libyaml's parser over a text, freed at the end.
class EventSource {
 public:
  explicit EventSource(absl::string_view text) : text_(text) {
    CHECK(yaml_parser_initialize(&parser_) == 1) << "out of memory";
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~EventSource() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  // The next event, valid until the next call.
  absl::StatusOr<const yaml_event_t*> Next(absl::string_view file) {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) == 1) return &event_;
    if (parser_.error == YAML_MEMORY_ERROR) {
      return absl::ResourceExhaustedError(absl::StrCat(file, ": out of memory"));
    }
    const Problem problem = parser_.error == YAML_READER_ERROR
                                ? Problem{MarkOf(text_, parser_.problem_offset), parser_.problem}
                                : Explain(parser_, text_);
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", problem.mark.line, ":", problem.mark.column, ": ", problem.what));
  }

 private:
  const absl::string_view text_;
  yaml_parser_t parser_;
  yaml_event_t event_{};
};

absl::Status Dispatch(const yaml_event_t& event, YamlComposer& composer) {
  const Mark mark = FromLibrary(event.start_mark);
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      return composer.OnDocumentStart();
    case YAML_DOCUMENT_END_EVENT:
      return composer.OnDocumentEnd();
    case YAML_ALIAS_EVENT:
      return composer.OnAlias(mark, Text(event.data.alias.anchor));
    case YAML_SCALAR_EVENT: {
      const auto& scalar = event.data.scalar;
      return composer.OnScalar(
          mark, Properties(scalar.anchor, scalar.tag),
          std::string(reinterpret_cast<const char*>(scalar.value), scalar.length),
          scalar.style == YAML_PLAIN_SCALAR_STYLE);
    }
    case YAML_SEQUENCE_START_EVENT:
      return composer.OnListStart(
          mark, Properties(event.data.sequence_start.anchor, event.data.sequence_start.tag));
    case YAML_SEQUENCE_END_EVENT:
      return composer.OnListEnd();
    case YAML_MAPPING_START_EVENT:
      return composer.OnMapStart(
          mark, Properties(event.data.mapping_start.anchor, event.data.mapping_start.tag));
    case YAML_MAPPING_END_EVENT:
      return composer.OnMapEnd();
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
      break;
  }
  return absl::OkStatus();
}

}  // namespace

// ---------------------------------------------------------------- Positions

uint32_t Positions::HashKey(absl::string_view key) {
  return static_cast<uint32_t>(absl::HashOf(key));
}

size_t Positions::Child(size_t parent, absl::string_view step) const {
  const Node& node = nodes_[parent];
  uint32_t index = 0;
  if (node.is_list && !absl::SimpleAtoi(step, &index)) return 0;
  const uint32_t hash = node.is_list ? 0 : HashKey(step);
  const size_t end = parent + node.span;
  for (size_t child = parent + 1; child < end; child += nodes_[child].span) {
    if (node.is_list ? index-- == 0 : nodes_[child].key_hash == hash) return child;
  }
  return 0;
}

Mark Positions::Find(absl::string_view pointer) const {
  if (nodes_.empty()) return Mark();
  size_t at = 0;
  for (const std::string& step : SplitPointer(pointer).value_or(std::vector<std::string>())) {
    size_t child = Child(at, step);
    if (child == 0) {
      // Perhaps it was merged from somewhere.
      if (!nodes_[at].is_list) child = Child(at, "<<");
      if (child != 0) at = child;
      break;
    }
    at = child;
  }
  return Mark{static_cast<int>(nodes_[at].line), static_cast<int>(nodes_[at].column)};
}

std::string Document::Where(absl::string_view pointer) const {
  const Mark mark = positions.Find(pointer);
  return absl::StrCat(file, ":", mark.line, ":", mark.column);
}

// ---------------------------------------------------------------- ParseYaml

namespace {

absl::StatusOr<std::vector<Document>> Parse(absl::string_view text, absl::string_view file,
                                            YamlReaders readers, YamlKeys keys) {
  if (text.size() > limits::kYamlFileBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(file, ": ", text.size(), " bytes, at most ",
                                                     limits::kYamlFileBytesMax, " are read"));
  }
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  if (const size_t at = FindInvalidUtf8(text); at != absl::string_view::npos) {
    const Mark mark = MarkOf(text, at);
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", mark.line, ":", mark.column, ": this is not UTF-8"));
  }
  EventSource source(text);
  YamlComposer composer(file, keys);
  while (true) {
    ASSIGN_OR_RETURN(const yaml_event_t* event, source.Next(file));
    if (event->type == YAML_STREAM_END_EVENT) break;
    RETURN_IF_ERROR(Dispatch(*event, composer));
  }
  std::vector<Document> documents = std::move(composer).Take();
  if (readers == YamlReaders::kTwo && !ReadsPlainlyAs(text, documents)) {
    RETURN_IF_ERROR(CheckSecondReading(text, documents, file, keys));
  }
  return documents;
}

}  // namespace

absl::StatusOr<std::vector<Document>> ParseYaml(absl::string_view text, absl::string_view file,
                                                YamlReaders readers) {
  return Parse(text, file, readers, YamlKeys::kUnique);
}

absl::StatusOr<std::vector<Document>> ParseYamlLastKeyWins(absl::string_view text,
                                                           absl::string_view file) {
  return Parse(text, file, YamlReaders::kTwo, YamlKeys::kLastWins);
}

}  // namespace muster
