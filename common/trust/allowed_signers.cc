#include "common/trust/allowed_signers.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/trust/ssh_wire.h"

namespace muster {
namespace {

constexpr size_t kRsaBitsMin = 2'048;
constexpr size_t kRsaBitsMax = 16'384;

absl::Status Bad(absl::string_view why) { return absl::InvalidArgumentError(why); }

// The next word of the line: up to white space that stands in no quotes.
absl::string_view TakeWord(absl::string_view& line) {
  line = absl::StripLeadingAsciiWhitespace(line);
  bool quoted = false;
  size_t end = 0;
  for (; end < line.size(); ++end) {
    if (line[end] == '"') quoted = !quoted;
    if (!quoted && absl::ascii_isspace(line[end])) break;
  }
  const absl::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

bool IsKeyType(absl::string_view word) {
  return absl::StartsWith(word, "ssh-") || absl::StartsWith(word, "ecdsa-") ||
         absl::StartsWith(word, "sk-") || absl::StartsWith(word, "rsa-");
}

// Whether `git` is among comma-separated names of namespaces.
bool NamesGit(absl::string_view namespaces) {
  for (const absl::string_view name : absl::StrSplit(namespaces, ',')) {
    if (name == "git" || name == "*") return true;
  }
  return false;
}

// "20270101", "202701011530", "20270101153000", each with an optional Z.
std::optional<int64_t> ParseTime(absl::string_view text) {
  absl::ConsumeSuffix(&text, "Z");
  if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
  }
  const auto part = [&](size_t at, size_t size) {
    int value = 0;
    if (at < text.size()) (void)absl::SimpleAtoi(text.substr(at, size), &value);
    return value;
  };
  const absl::CivilSecond civil(part(0, 4), part(4, 2), part(6, 2), part(8, 2), part(10, 2),
                                part(12, 2));
  // A day that is none would have been carried into the next month.
  const bool real = civil.year() == part(0, 4) && civil.month() == part(4, 2) &&
                    civil.day() == part(6, 2) && civil.hour() == part(8, 2) &&
                    civil.minute() == part(10, 2) && civil.second() == part(12, 2);
  if (!real || civil.year() < 1970) return std::nullopt;
  return absl::ToUnixMillis(absl::FromCivil(civil, absl::UTCTimeZone()));
}

// Options before the key; sets `for_git` to whether the key is for Git at all.
absl::Status ReadOptions(absl::string_view options, v1::SshSigner& signer, bool& for_git) {
  while (!options.empty()) {
    size_t end = 0;
    for (bool quoted = false; end < options.size() && (quoted || options[end] != ','); ++end) {
      if (options[end] == '"') quoted = !quoted;
    }
    const absl::string_view option = options.substr(0, end);
    options.remove_prefix(end);
    absl::ConsumePrefix(&options, ",");
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(option, absl::MaxSplits('=', 1));
    const std::string name = absl::AsciiStrToLower(parts.first);
    absl::string_view value = parts.second;
    const bool quoted = absl::ConsumePrefix(&value, "\"") && absl::ConsumeSuffix(&value, "\"");
    if (name == "cert-authority") {
      return Bad("cert-authority: certificates are not supported; list each signer's own key");
    }
    if (!quoted || value.empty() || absl::StrContains(value, '"')) {
      return Bad(
          absl::StrCat("'", absl::CHexEscape(option),
                       "' is neither a key nor an option such as valid-before=\"20270101\""));
    }
    if (name == "namespaces") {
      if (value != "*" && value.find_first_of("!*?") != absl::string_view::npos) {
        return Bad("namespaces: patterns are not supported; write namespaces=\"git\"");
      }
      for_git = NamesGit(value);
    } else if (name == "valid-after" || name == "valid-before") {
      const std::optional<int64_t> at = ParseTime(value);
      if (!at) {
        return Bad(absl::StrCat(name, ": '", absl::CHexEscape(value),
                                "' is no time; write it like 20270101Z or 202701011530Z"));
      }
      name == "valid-after" ? signer.set_valid_after_ms(*at) : signer.set_valid_before_ms(*at);
    } else {
      return Bad(absl::StrCat("option '", absl::CHexEscape(name), "' is unknown"));
    }
  }
  return absl::OkStatus();
}

// One line; nullopt for one that says nothing of Git.
absl::StatusOr<std::optional<v1::SshSigner>> ReadLine(absl::string_view line) {
  v1::SshSigner signer;
  absl::string_view principals = TakeWord(line);
  if (absl::ConsumePrefix(&principals, "\"")) absl::ConsumeSuffix(&principals, "\"");
  if (principals.empty() || IsKeyType(principals)) {
    return Bad(
        "does not start with whose key it is; write it like 'ada@example.com ssh-ed25519 "
        "AAAA...'");
  }
  for (const char c : principals) {
    if (!absl::ascii_isprint(c)) return Bad("whose key it is has to be said in ASCII");
  }
  if (absl::StrContains(principals, '!')) return Bad("a principal may not be excluded with '!'");
  signer.set_principals(std::string(principals));
  absl::string_view type = TakeWord(line);
  bool for_git = true;
  if (!type.empty() && !IsKeyType(type)) {
    RETURN_IF_ERROR(ReadOptions(type, signer, for_git));
    type = TakeWord(line);
  }
  const absl::string_view base64 = TakeWord(line);
  std::string key;
  if (!IsKeyType(type) || base64.empty()) {
    return Bad("has no key; write it like 'ada@example.com ssh-ed25519 AAAA...'");
  }
  if (!absl::Base64Unescape(base64, &key) || absl::Base64Escape(key) != base64) {
    return Bad("the key is not canonical base64");
  }
  ASSIGN_OR_RETURN(const std::string in_key, CheckSshPublicKey(key));
  if (in_key != type) {
    return Bad(absl::StrCat("says '", absl::CHexEscape(type), "' and the key says '", in_key, "'"));
  }
  if (signer.valid_before_ms() != 0 && signer.valid_after_ms() >= signer.valid_before_ms()) {
    return Bad("valid-after is not before valid-before, so the key never counts");
  }
  signer.set_public_key(std::move(key));
  if (!for_git) return std::optional<v1::SshSigner>();
  return std::optional<v1::SshSigner>(std::move(signer));
}

// Bits of a positive number in SSH's form; zero for one that is not in its shortest form.
size_t BitsOf(absl::string_view number) {
  if (number.empty() || (static_cast<uint8_t>(number[0]) & 0x80) != 0) return 0;
  const bool padded = number[0] == '\0';
  if (padded && (number.size() < 2 || (static_cast<uint8_t>(number[1]) & 0x80) == 0)) return 0;
  const absl::string_view digits = padded ? number.substr(1) : number;
  size_t bits = digits.size() * 8;
  for (uint8_t top = static_cast<uint8_t>(digits[0]); (top & 0x80) == 0; top <<= 1) --bits;
  return bits;
}

absl::Status CheckRsa(SshReader& reader) {
  const auto exponent = reader.String(), modulus = reader.String();
  if (!exponent || !modulus || BitsOf(*exponent) < 2 || BitsOf(*exponent) > 64 ||
      BitsOf(*modulus) == 0) {
    return Bad("is no RSA key");
  }
  const size_t bits = BitsOf(*modulus);
  if (bits >= kRsaBitsMin && bits <= kRsaBitsMax) return absl::OkStatus();
  return Bad(absl::StrCat("an RSA key of ", bits, " bits does not count; use ", kRsaBitsMin,
                          " or more, or ed25519"));
}

absl::Status CheckEcdsa(absl::string_view type, SshReader& reader) {
  const auto curve = reader.String(), point = reader.String();
  const size_t size = type == "ecdsa-sha2-nistp256" ? 65 : type == "ecdsa-sha2-nistp384" ? 97 : 133;
  const bool good = curve && point && absl::StrCat("ecdsa-sha2-", *curve) == type &&
                    point->size() == size && (*point)[0] == 4;
  return good ? absl::OkStatus() : Bad("is no ECDSA key");
}

}  // namespace

absl::StatusOr<std::string> CheckSshPublicKey(absl::string_view public_key) {
  SshReader reader(public_key);
  const auto type = reader.String();
  if (!type) return Bad("is no SSH public key");
  if (*type == "ssh-ed25519") {
    const auto key = reader.String();
    if (!key || key->size() != 32) return Bad("is no Ed25519 key");
  } else if (*type == "ecdsa-sha2-nistp256" || *type == "ecdsa-sha2-nistp384" ||
             *type == "ecdsa-sha2-nistp521") {
    RETURN_IF_ERROR(CheckEcdsa(*type, reader));
  } else if (*type == "ssh-rsa") {
    RETURN_IF_ERROR(CheckRsa(reader));
  } else {
    return Bad(absl::StrCat("keys of type '", absl::CHexEscape(type->substr(0, 64)),
                            "' do not count; use ssh-ed25519, ecdsa-sha2-nistp256, -nistp384, "
                            "-nistp521 or ssh-rsa"));
  }
  if (!reader.at_end()) return Bad("something follows the key");
  return std::string(*type);
}

std::string SshFingerprint(absl::string_view public_key) {
  std::string base64 = absl::Base64Escape(Digest::Of(public_key).view());
  while (absl::EndsWith(base64, "=")) base64.pop_back();
  return absl::StrCat("SHA256:", base64);
}

absl::StatusOr<std::vector<v1::SshSigner>> ParseAllowedSigners(absl::string_view text) {
  if (text.size() > kAllowedSignersBytesMax) {
    return Bad(absl::StrCat("is larger than ", kAllowedSignersBytesMax >> 10, " KiB"));
  }
  std::vector<v1::SshSigner> signers;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    absl::StatusOr<std::optional<v1::SshSigner>> signer = ReadLine(line);
    if (!signer.ok()) {
      return Bad(absl::StrCat("line ", number, ": ", signer.status().message()));
    }
    if (signer->has_value()) signers.push_back(**std::move(signer));
    if (signers.size() > kAllowedSignersMax) {
      return Bad(absl::StrCat("has more than ", kAllowedSignersMax, " keys"));
    }
  }
  return signers;
}

}  // namespace muster
