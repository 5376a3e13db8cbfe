#include "common/charts/oci.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

constexpr char kChartLayer[] = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
constexpr size_t kNameBytesMax = 255;
constexpr size_t kTokenBytesMax = 64u << 10;

absl::Status Refuse(absl::string_view why) { return absl::InvalidArgumentError(why); }

std::string TextOf(const Value& map, absl::string_view key) {
  const Value* value = map.is_map() ? map.Get(key) : nullptr;
  return value != nullptr && value->is_string() ? value->string() : "";
}

bool IsPathPart(absl::string_view part) {
  const auto word = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return absl::ascii_islower(byte) || absl::ascii_isdigit(byte);
  };
  return !part.empty() && word(part.front()) && word(part.back()) &&
         std::all_of(part.begin(), part.end(),
                     [&](char c) { return word(c) || c == '-' || c == '_' || c == '.'; });
}

// KEY=VALUE or KEY="VALUE", from the front of `text`; false at the end.
bool TakeParameter(absl::string_view& text, std::string& key, std::string& value) {
  text = absl::StripLeadingAsciiWhitespace(text);
  absl::ConsumePrefix(&text, ",");
  text = absl::StripLeadingAsciiWhitespace(text);
  const size_t equals = text.find('=');
  if (equals == text.npos) return false;
  key = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(0, equals)));
  text.remove_prefix(equals + 1);
  value.clear();
  if (!absl::ConsumePrefix(&text, "\"")) {
    const size_t end = std::min(text.find(','), text.size());
    value = std::string(absl::StripAsciiWhitespace(text.substr(0, end)));
    text.remove_prefix(end);
    return true;
  }
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    value.push_back(text.front());
    text.remove_prefix(1);
  }
  return absl::ConsumePrefix(&text, "\"");
}

}  // namespace

absl::StatusOr<OciPlace> ParseOciUrl(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "oci://")) return Refuse("is no oci:// URL");
  while (absl::ConsumeSuffix(&url, "/")) {
  }
  const size_t slash = std::min(url.find('/'), url.size());
  OciPlace place{absl::AsciiStrToLower(url.substr(0, slash)),
                 std::string(absl::ClippedSubstr(url, slash + 1))};
  const bool good = std::all_of(place.host.begin(), place.host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-.:[]", c);
  });
  if (place.host.empty() || !good) return Refuse("names no host, or none that there can be");
  if (!place.path.empty()) RETURN_IF_ERROR(CheckOciName(place.path));
  return place;
}

absl::Status CheckOciName(absl::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return Refuse("is empty or too long");
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (IsPathPart(part)) continue;
    return Refuse(absl::StrCat("has a part '", part,
                               "', and a registry takes lower-case letters, digits and, between "
                               "them, '.', '_' and '-'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Challenge> ParseChallenge(const std::vector<std::string>& headers) {
  bool basic = false;
  for (const absl::string_view header : headers) {
    const absl::string_view text = absl::StripAsciiWhitespace(header);
    if (absl::StartsWithIgnoreCase(text, "basic")) basic = true;
    if (!absl::StartsWithIgnoreCase(text, "bearer ")) continue;
    absl::string_view rest = text.substr(7);
    Challenge challenge;
    challenge.bearer = true;
    std::string key, value;
    while (TakeParameter(rest, key, value)) {
      if (key == "realm") challenge.realm = value;
      if (key == "service") challenge.service = value;
      if (key == "scope") challenge.scope = value;
    }
    if (challenge.realm.empty())
      return Refuse("it asks for a token and does not say where to get one");
    return challenge;
  }
  if (basic) return Challenge();
  return Refuse("it asks for an identity in a way that is neither Bearer nor Basic");
}

absl::StatusOr<std::string> ParseToken(absl::string_view json) {
  const absl::StatusOr<Value> value = ParseJson(json);
  if (!value.ok()) return Refuse("the token server's answer is no JSON");
  std::string token = TextOf(*value, "token");
  if (token.empty()) token = TextOf(*value, "access_token");
  const bool clean = std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (token.empty() || token.size() > kTokenBytesMax || !clean) {
    return Refuse("the token server gave no token");
  }
  return token;
}

absl::StatusOr<std::vector<std::string>> ParseTags(absl::string_view json) {
  ASSIGN_OR_RETURN(const Value value, ParseJson(json));
  const Value* list = value.is_map() ? value.Get("tags") : nullptr;
  std::vector<std::string> tags;
  if (list == nullptr || !list->is_list()) return tags;
  for (const Value& tag : list->list()) {
    if (tag.is_string()) tags.push_back(tag.string());
  }
  return tags;
}

std::string VersionOfTag(absl::string_view tag) { return absl::StrReplaceAll(tag, {{"_", "+"}}); }
std::string TagOfVersion(absl::string_view version) {
  return absl::StrReplaceAll(version, {{"+", "_"}});
}

absl::StatusOr<ChartManifest> ParseChartManifest(absl::string_view json) {
  absl::StatusOr<Value> value = ParseJson(json);
  if (!value.ok() || !value->is_map()) return Refuse("the manifest is no JSON object");
  if (value->Get("manifests") != nullptr) {
    return Refuse("it is an index of several manifests, not a chart");
  }
  const Value* layers = value->Get("layers");
  std::string found;
  if (layers != nullptr && layers->is_list()) {
    for (const Value& layer : layers->list()) {
      const std::string type = TextOf(layer, "mediaType");
      if (type != kChartLayer) {
        if (!absl::StrContains(type, "prov")) found = type;
        continue;
      }
      ChartManifest manifest;
      manifest.layer_digest = TextOf(layer, "digest");
      absl::string_view hex = manifest.layer_digest;
      if (!absl::ConsumePrefix(&hex, "sha256:") || !Digest::FromHex(hex).ok()) {
        return Refuse("the chart's digest is no SHA-256");
      }
      const Value* size = layer.Get("size");
      if (size == nullptr || !size->is_number() ||
          !absl::SimpleAtoi(size->number(), &manifest.layer_bytes)) {
        return Refuse("the manifest does not say how large the chart is");
      }
      return manifest;
    }
  }
  return Refuse(absl::StrCat("it is no chart: it has no layer of type ", kChartLayer,
                             found.empty() ? "" : absl::StrCat(", but ", found)));
}

}  // namespace muster
