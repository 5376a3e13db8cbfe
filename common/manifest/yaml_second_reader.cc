#include "common/manifest/yaml_second_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/manifest/json.h"
#include "common/manifest/utf8.h"
#include "common/manifest/yaml_composer.h"

namespace muster {
namespace {

// Outside text, harmless to print and with nothing in it that cannot be seen.
std::string Escaped(absl::string_view text) {
  if (FindInvalidUtf8(text) != absl::string_view::npos) return absl::CHexEscape(text);
  return absl::StrReplaceAll(absl::Utf8SafeCHexEscape(text), {{"\xC2\x85", "\\u0085"},
                                                              {"\xC2\xA0", "\\u00a0"},
                                                              {"\xE2\x80\xA8", "\\u2028"},
                                                              {"\xE2\x80\xA9", "\\u2029"},
                                                              {"\xEF\xBB\xBF", "\\ufeff"}});
}

// What most disagreements are about: bytes that few editors show, and what each is.
struct OddBytes {
  absl::string_view bytes;
  absl::string_view name;
};
constexpr OddBytes kOddBytes[] = {
    {"\r", "a carriage return without a line feed"},
    {"\xC2\x85", "a next-line character (U+0085)"},
    {"\xE2\x80\xA8", "a line separator (U+2028)"},
    {"\xE2\x80\xA9", "a paragraph separator (U+2029)"},
    {"\xEF\xBB\xBF", "a byte order mark (U+FEFF)"},
};

// How to write `text` so that every reader understands the same.
std::string WhatToDo(absl::string_view text) {
  int line = 1;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') ++line;
    const absl::string_view rest = text.substr(at);
    if (absl::StartsWith(rest, "\r\n")) continue;
    for (const OddBytes& odd : kOddBytes) {
      if (!absl::StartsWith(rest, odd.bytes)) continue;
      return absl::StrCat("line ", line, " has ", odd.name,
                          ", which not every reader takes for the same: remove it, or write it as "
                          "an escape within double quotes");
    }
  }
  return "write it so that there is one way to read it: quote the text, and keep it on one line";
}

// yaml-cpp 0.7 makes single bytes of the escapes \N and \_, which are these two code points.
std::string Repaired(const std::string& text) {
  if (FindInvalidUtf8(text) == absl::string_view::npos) return text;
  std::string repaired;
  absl::string_view rest = text;
  while (true) {
    const size_t at = FindInvalidUtf8(rest);
    absl::StrAppend(&repaired, rest.substr(0, at));
    if (at == absl::string_view::npos) return repaired;
    if (rest[at] == '\x85' || rest[at] == '\xA0') repaired.push_back('\xC2');
    repaired.push_back(rest[at]);
    rest.remove_prefix(at + 1);
  }
}

// yaml-cpp counts columns in bytes; so do these messages, which are rare.
Mark FromLibrary(const YAML::Mark& mark) {
  return Mark{std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

std::string AnchorName(YAML::anchor_t anchor) {
  return anchor == 0 ? std::string() : absl::StrCat(anchor);
}

// yaml-cpp gives "?" for an unquoted node without a tag and "!" for a quoted one.
NodeProperties Properties(const std::string& tag, YAML::anchor_t anchor) {
  return NodeProperties{AnchorName(anchor), tag == "?" ? std::string() : tag};
}

// yaml-cpp's events, handed on. After the composer's first error the rest is ignored.
class Events : public YAML::EventHandler {
 public:
  Events(absl::string_view file, YamlKeys keys) : composer_(file, keys) {}

  const absl::Status& status() const { return status_; }
  std::vector<Document> Take() && { return std::move(composer_).Take(); }

  void OnDocumentStart(const YAML::Mark&) override {
    if (status_.ok()) status_ = composer_.OnDocumentStart();
  }
  void OnDocumentEnd() override {
    if (status_.ok()) status_ = composer_.OnDocumentEnd();
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    OnScalar(mark, "?", anchor, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (status_.ok()) status_ = composer_.OnAlias(FromLibrary(mark), AnchorName(anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (!status_.ok()) return;
    status_ = composer_.OnScalar(FromLibrary(mark), Properties(tag, anchor), Repaired(text),
                                 /*plain=*/tag == "?");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (!status_.ok()) return;
    status_ = composer_.OnListStart(FromLibrary(mark), Properties(tag, anchor));
  }
  void OnSequenceEnd() override {
    if (status_.ok()) status_ = composer_.OnListEnd();
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (!status_.ok()) return;
    status_ = composer_.OnMapStart(FromLibrary(mark), Properties(tag, anchor));
  }
  void OnMapEnd() override {
    if (status_.ok()) status_ = composer_.OnMapEnd();
  }

 private:
  YamlComposer composer_;
  absl::Status status_;
};

absl::Status Disagreement(absl::string_view where, absl::string_view how, absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      where, ": two YAML readers understand this differently", how, "; ", WhatToDo(text)));
}

// The second reader refuses what the first one accepted.
absl::Status Refusal(absl::string_view where, absl::string_view why, absl::string_view text) {
  return Disagreement(where, absl::StrCat(": one accepts it, the other says \"", why, "\""), text);
}

// From "file:line:column: why", as the composer says it.
absl::Status Refusal(const absl::Status& status, absl::string_view file, absl::string_view text) {
  const absl::string_view message = status.message();
  const size_t colon = message.find(": ", file.size());
  if (colon == absl::string_view::npos) return Refusal(file, message, text);
  return Refusal(message.substr(0, colon), message.substr(colon + 2), text);
}

// The first characters of `text`, as far as they fit into `size` bytes.
absl::string_view Beginning(absl::string_view text, size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

// A reading, short.
std::string Shown(const Value& value) {
  constexpr size_t kShown = 60;
  if (value.is_map()) return absl::StrCat("a map of ", value.map().size());
  if (value.is_list()) return absl::StrCat("a list of ", value.list().size());
  if (!value.is_string()) return CanonicalJson(value);
  const absl::string_view text = value.string();
  return absl::StrCat("\"", Escaped(Beginning(text, kShown)),
                      text.size() > kShown ? "...\"" : "\"");
}

struct Difference {
  std::string pointer;
  std::string first;   // what one reads there
  std::string second;  // and the other
};

// Texts that differ far behind their beginning are shown from there.
Difference TextDifference(const std::string& pointer, absl::string_view a, absl::string_view b) {
  constexpr size_t kContext = 20;
  const size_t same = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
  if (same <= kContext) return {pointer, Shown(Value(a)), Shown(Value(b))};
  size_t from = same - kContext;
  while (from > 0 && (static_cast<unsigned char>(a[from]) & 0xC0) == 0x80) --from;
  return {pointer, absl::StrCat("...", Shown(Value(a.substr(from)))),
          absl::StrCat("...", Shown(Value(b.substr(from))))};
}

// The first place where the two differ. As deep as the composer lets a document be.
std::optional<Difference> FindDifference(const std::string& pointer, const Value& a,
                                         const Value& b) {
  if (a.is_string() && b.is_string()) {
    if (a.string() == b.string()) return std::nullopt;
    return TextDifference(pointer, a.string(), b.string());
  }
  if (a.is_list() && b.is_list() && a.list().size() == b.list().size()) {
    for (size_t i = 0; i < a.list().size(); ++i) {
      auto found = FindDifference(JoinPointer(pointer, absl::StrCat(i)), a.list()[i], b.list()[i]);
      if (found.has_value()) return found;
    }
    return std::nullopt;
  }
  if (a.is_map() && b.is_map()) {
    for (const Member& member : a.map()) {
      const std::string inside = JoinPointer(pointer, member.key);
      const Value* other = b.map().Get(member.key);
      if (other == nullptr) return Difference{inside, Shown(member.value), "nothing"};
      if (auto found = FindDifference(inside, member.value, *other); found.has_value()) {
        return found;
      }
    }
    for (const Member& member : b.map()) {
      if (a.map().Contains(member.key)) continue;
      return Difference{JoinPointer(pointer, member.key), "nothing", Shown(member.value)};
    }
    return std::nullopt;
  }
  if (a == b) return std::nullopt;
  return Difference{pointer, Shown(a), Shown(b)};
}

}  // namespace

absl::Status CompareReadings(absl::string_view text, const std::vector<Document>& first,
                             const std::vector<Document>& second, absl::string_view file) {
  const size_t both = std::min(first.size(), second.size());
  for (size_t i = 0; i < both; ++i) {
    const std::optional<Difference> found = FindDifference("", first[i].value, second[i].value);
    if (!found.has_value()) continue;
    const std::string at =
        found->pointer.empty() ? std::string() : absl::StrCat(" at ", Escaped(found->pointer));
    return Disagreement(
        first[i].Where(found->pointer),
        absl::StrCat(at, ": one reads ", found->first, ", the other ", found->second), text);
  }
  if (first.size() == second.size()) return absl::OkStatus();
  const Document& extra = both < first.size() ? first[both] : second[both];
  return Disagreement(
      absl::StrCat(file, ":", extra.positions.Find("").line),
      absl::StrCat(": one finds ", first.size(), " documents, the other ", second.size()), text);
}

absl::Status CheckSecondReading(absl::string_view text, const std::vector<Document>& documents,
                                absl::string_view file, YamlKeys keys) {
  std::istringstream stream{std::string(text)};
  Events events(file, keys);
  try {
    YAML::Parser parser(stream);
    // It can find the same empty document for ever: "? |\nb:}". The composer's limit ends that.
    while (events.status().ok() && parser.HandleNextDocument(events)) {
    }
  } catch (const YAML::Exception& error) {
    const Mark mark = FromLibrary(error.mark);
    return Refusal(absl::StrCat(file, ":", mark.line, ":", mark.column), Escaped(error.msg), text);
  }
  if (!events.status().ok()) return Refusal(events.status(), file, text);
  return CompareReadings(text, documents, std::move(events).Take(), file);
}

}  // namespace muster
