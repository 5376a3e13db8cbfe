#include "common/charts/chart_index.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml.h"

namespace muster {
namespace {

constexpr char kFile[] = "index.yaml";
constexpr size_t kNamed = 5;

std::string TextOf(const Value& map, absl::string_view key) {
  const Value* value = map.Get(key);
  if (value == nullptr) return "";
  if (value->is_number()) return value->number();
  return value->is_string() ? value->string() : "";
}

absl::Status Refuse(absl::string_view chart, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(kFile, ": chart '", chart, "': ", why));
}

// Helm writes the digits alone.
absl::StatusOr<std::string> ReadDigest(absl::string_view text) {
  if (text.empty()) return "";
  absl::ConsumePrefix(&text, "sha256:");
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(absl::AsciiStrToLower(text)));
  return absl::StrCat("sha256:", digest.hex());
}

absl::StatusOr<std::vector<IndexedChart>> ReadVersions(absl::string_view name, const Value& list) {
  if (list.is_null()) return std::vector<IndexedChart>();
  if (!list.is_list()) return Refuse(name, "its entry is no list of versions");
  std::vector<IndexedChart> versions;
  for (const Value& each : list.list()) {
    if (!each.is_map()) return Refuse(name, "a version is no mapping");
    IndexedChart chart;
    chart.version = TextOf(each, "version");
    const absl::StatusOr<std::string> digest = ReadDigest(TextOf(each, "digest"));
    if (!digest.ok()) {
      return Refuse(name,
                    absl::StrCat("version ", chart.version, " has a digest that is no SHA-256"));
    }
    chart.digest = *digest;
    if (const Value* urls = each.Get("urls"); urls != nullptr && urls->is_list()) {
      for (const Value& url : urls->list()) {
        if (url.is_string()) chart.urls.push_back(url.string());
      }
    }
    if (!chart.version.empty()) versions.push_back(std::move(chart));
  }
  return versions;
}

// A line's text without its end, and what follows it.
absl::string_view TakeLine(absl::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const absl::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return absl::StripSuffix(line, "\r");
}

size_t Indentation(absl::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// A line that is "name:" and nothing else; "" when it is not.
absl::string_view NameIn(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (!absl::ConsumeSuffix(&line, ":")) return "";
  for (const char quote : {'"', '\''}) {
    if (line.size() > 1 && line.front() == quote && line.back() == quote) {
      line = line.substr(1, line.size() - 2);
    }
  }
  const bool plain = std::all_of(line.begin(), line.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  return plain && !absl::StartsWith(line, "-") ? line : "";
}

// Whether a line may begin the charts: by this name, or by one that has to be read first.
bool MayBeginEntries(absl::string_view line) {
  return absl::StartsWith(line, "entries") || absl::StartsWith(line, "\"") ||
         absl::StartsWith(line, "'") || absl::StartsWith(line, "?");
}

// Whether the charts begin more than once, as far as lines tell.
bool MayBeginTwice(absl::string_view text) {
  int begins = 0;
  while (!text.empty() && begins < 2) begins += MayBeginEntries(TakeLine(text)) ? 1 : 0;
  return begins > 1;
}

// The name that stands twice; "" when none does.
std::string NamedTwice(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? "" : *twice;
}

// The parts of an index as Helm writes it; false for one that is written otherwise.
bool Cut(absl::string_view text, std::vector<std::string>& names,
         std::vector<absl::string_view>& parts) {
  bool found = false;
  while (!text.empty() && !found) found = TakeLine(text) == "entries:";
  size_t depth = 0;
  const char* start = nullptr;  // of the last name's line
  const auto close = [&](const char* end) {
    if (start != nullptr) parts.emplace_back(start, end - start);
  };
  while (found && !text.empty()) {
    const char* const here = text.data();
    const absl::string_view line = TakeLine(text);
    const size_t indentation = Indentation(line);
    if (indentation == line.size() || line[indentation] == '#') continue;
    if (depth == 0 && indentation > 0) depth = indentation;
    if (indentation < std::max<size_t>(depth, 1)) {
      close(here);
      return !names.empty() && line[indentation] != '\t' && line[indentation] != '-';
    }
    if (indentation > depth || line[indentation] == '-') continue;
    const absl::string_view name = NameIn(line);
    if (name.empty()) return false;
    close(here);
    start = here;
    names.emplace_back(name);
  }
  close(text.data());
  return !names.empty();
}

}  // namespace

absl::StatusOr<ChartIndex> ChartIndex::Parse(absl::string_view text) {
  ChartIndex index;
  if (!MayBeginTwice(text) && Cut(text, index.names_, index.parts_)) {
    if (const std::string twice = NamedTwice(index.names_); !twice.empty()) {
      return Refuse(twice, "it stands twice, and programs differ in which of them counts");
    }
    return index;
  }
  index = ChartIndex();
  ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(text, kFile));
  const Value* entries = documents.empty() ? nullptr : documents[0].value.Get("entries");
  if (entries == nullptr || (!entries->is_map() && !entries->is_null())) {
    return absl::InvalidArgumentError("index.yaml: it is no index of charts: it has no 'entries'");
  }
  if (entries->is_null()) return index;
  for (const Member& member : entries->map()) {
    ASSIGN_OR_RETURN(std::vector<IndexedChart> versions, ReadVersions(member.key, member.value));
    index.names_.push_back(member.key);
    index.read_.push_back(std::move(versions));
  }
  return index;
}

absl::StatusOr<std::vector<IndexedChart>> ChartIndex::Versions(absl::string_view chart) const {
  const auto at = std::find(names_.begin(), names_.end(), chart);
  if (at == names_.end()) {
    return absl::NotFoundError(
        absl::StrCat("it has no chart '", chart, "'; it has ", NameSome(chart, names_)));
  }
  const size_t number = at - names_.begin();
  if (parts_.empty()) return read_[number];
  ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(parts_[number], kFile));
  const Value* list = documents.empty() ? nullptr : documents[0].value.Get(chart);
  if (list == nullptr) return Refuse(chart, "its entry cannot be read");
  return ReadVersions(chart, *list);
}

std::string NameSome(absl::string_view wanted, const std::vector<std::string>& names) {
  if (names.empty()) return "none";
  std::vector<std::string> shown;
  // Those that begin alike, then the rest.
  const absl::string_view start = wanted.substr(0, std::min<size_t>(3, wanted.size()));
  for (const bool alike : {true, false}) {
    for (const std::string& name : names) {
      if (shown.size() == kNamed) break;
      if (absl::StartsWith(name, start) == alike) shown.push_back(absl::StrCat("'", name, "'"));
    }
  }
  const size_t more = names.size() - shown.size();
  return absl::StrCat(absl::StrJoin(shown, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

}  // namespace muster
