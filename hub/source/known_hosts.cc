#include "hub/source/known_hosts.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"

namespace muster::hub {
namespace {

// As OpenSSH writes the name of a host in its file.
std::string NameOf(absl::string_view host, int port) {
  const std::string lower = absl::AsciiStrToLower(host);
  return port == 0 || port == 22 ? lower : absl::StrCat("[", lower, "]:", port);
}

// '*' and '?' as in a shell. Iterative: linear back-tracking to the last star only.
bool MatchesPattern(absl::string_view pattern, absl::string_view text) {
  size_t p = 0, t = 0, star = absl::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// "|1|salt|HMAC-SHA1(salt, name)", both in base64.
bool MatchesHash(absl::string_view field, absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(field, '|');
  std::string salt, wanted;
  if (parts.size() != 4 || parts[1] != "1" || !absl::Base64Unescape(parts[2], &salt) ||
      !absl::Base64Unescape(parts[3], &wanted)) {
    return false;
  }
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(EVP_sha1(), salt.data(), static_cast<int>(salt.size()),
           reinterpret_cast<const unsigned char*>(name.data()), name.size(), made,
           &size) == nullptr) {
    return false;
  }
  return wanted == absl::string_view(reinterpret_cast<const char*>(made), size);
}

bool MatchesNames(absl::string_view field, absl::string_view name) {
  if (absl::StartsWith(field, "|")) return MatchesHash(field, name);
  bool matches = false;
  for (absl::string_view pattern : absl::StrSplit(field, ',')) {
    const bool negated = absl::ConsumePrefix(&pattern, "!");
    if (!MatchesPattern(absl::AsciiStrToLower(pattern), name)) continue;
    if (negated) return false;
    matches = true;
  }
  return matches;
}

}  // namespace

HostKeyVerdict CheckHostKey(absl::string_view known_hosts, absl::string_view host, int port,
                            absl::string_view key) {
  const std::string name = NameOf(host, port);
  HostKeyVerdict verdict = HostKeyVerdict::kUnknown;
  for (const absl::string_view line : absl::StrSplit(known_hosts, '\n')) {
    std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (fields.empty() || absl::StartsWith(fields[0], "#")) continue;
    bool revoked = false;
    if (absl::StartsWith(fields[0], "@")) {
      if (fields[0] != "@revoked") continue;
      revoked = true;
      fields.erase(fields.begin());
    }
    std::string listed;
    if (fields.size() < 3 || !absl::Base64Unescape(fields[2], &listed)) continue;
    if (!MatchesNames(fields[0], name)) continue;
    const bool equal = listed == key;
    if (revoked && equal) return HostKeyVerdict::kRevoked;  // wherever it stands in the file
    if (revoked || verdict == HostKeyVerdict::kKnown) continue;
    verdict = equal ? HostKeyVerdict::kKnown : HostKeyVerdict::kChanged;
  }
  return verdict;
}

std::string HostKeyFingerprint(absl::string_view key) {
  const std::string base64 = absl::Base64Escape(Digest::Of(key).view());
  return absl::StrCat("SHA256:", absl::StripSuffix(base64, "="));
}

std::string KnownHostsLine(absl::string_view host, int port, absl::string_view key) {
  // The wire form starts with its own type: four bytes of length, big endian, and the name.
  absl::string_view type = "?";
  if (key.size() > 4 && key[0] == 0 && key[1] == 0 && key[2] == 0) {
    type = key.substr(4, static_cast<unsigned char>(key[3]));
  }
  return absl::StrCat(NameOf(host, port), " ", absl::CHexEscape(type), " ",
                      absl::Base64Escape(key));
}

}  // namespace muster::hub
