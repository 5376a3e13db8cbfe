#include "common/secrets/age.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/secrets/bech32.h"
#include "common/secrets/cipher.h"
#include "common/secrets/wipe.h"

namespace muster {
namespace {

constexpr absl::string_view kRecipientPrefix = "age";
constexpr absl::string_view kIdentityPrefix = "age-secret-key-";
constexpr absl::string_view kArmorBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr absl::string_view kArmorEnd = "-----END AGE ENCRYPTED FILE-----";
constexpr absl::string_view kIntro = "age-encryption.org/v1\n";
constexpr absl::string_view kX25519Info = "age-encryption.org/v1/X25519";
constexpr size_t kColumns = 64;
constexpr size_t kFileKeyBytes = 16;
constexpr size_t kNonceBytes = 16;  // of the payload
constexpr size_t kChunkBytes = 64u << 10;
constexpr size_t kArmoredBytesMax = 1u << 20;
constexpr size_t kStanzasMax = 64;  // each costs every identity two multiplications on the curve

absl::Status Malformed(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("this is no age text: ", why));
}

// Base64 that has exactly one spelling for its bytes.
std::optional<std::string> DecodeStrict(absl::string_view text, bool padded) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes)) return std::nullopt;
  std::string again = absl::Base64Escape(bytes);
  if (!padded) {
    while (absl::EndsWith(again, "=")) again.pop_back();
  }
  if (again != text) return std::nullopt;
  return bytes;
}

std::string EncodeUnpadded(absl::string_view bytes) {
  std::string text = absl::Base64Escape(bytes);
  while (absl::EndsWith(text, "=")) text.pop_back();
  return text;
}

// In lines of 64 letters; with `short_end`, a full last line is followed by an empty one.
std::string Wrapped(absl::string_view text, bool short_end) {
  std::string lines;
  for (size_t at = 0; at < text.size(); at += kColumns) {
    absl::StrAppend(&lines, text.substr(at, kColumns), "\n");
  }
  if (short_end && text.size() % kColumns == 0) lines += "\n";
  return lines;
}

absl::StatusOr<std::string> Unarmored(absl::string_view armored) {
  if (armored.size() > kArmoredBytesMax) return Malformed("it is too long");
  std::vector<absl::string_view> lines = absl::StrSplit(absl::StripAsciiWhitespace(armored), '\n');
  for (absl::string_view& line : lines) absl::ConsumeSuffix(&line, "\r");
  if (lines.size() < 3 || lines.front() != kArmorBegin) return Malformed("it does not begin so");
  if (lines.back() != kArmorEnd) return Malformed("it is cut short");
  std::string text;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const bool last = i + 2 == lines.size();
    if (lines[i].size() > kColumns || lines[i].empty() || (!last && lines[i].size() < kColumns)) {
      return Malformed("its lines are not 64 letters long");
    }
    absl::StrAppend(&text, lines[i]);
  }
  std::optional<std::string> bytes = DecodeStrict(text, /*padded=*/true);
  if (!bytes.has_value()) return Malformed("it is not base64");
  return *std::move(bytes);
}

struct Stanza {
  std::vector<absl::string_view> words;
  std::string body;
};

struct Header {
  std::vector<Stanza> stanzas;
  absl::string_view bytes;  // what the MAC covers
  std::string mac;
  absl::string_view payload;  // what follows
};

// The next line, without its end; nullopt when there is none.
std::optional<absl::string_view> TakeLine(absl::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == rest.npos) return std::nullopt;
  const absl::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

absl::StatusOr<std::string> TakeBody(absl::string_view& rest) {
  std::string body;
  while (true) {
    const std::optional<absl::string_view> line = TakeLine(rest);
    if (!line.has_value() || line->size() > kColumns) return Malformed("a stanza does not end");
    const std::optional<std::string> bytes = DecodeStrict(*line, /*padded=*/false);
    if (!bytes.has_value()) return Malformed("a stanza is not base64");
    body += *bytes;
    if (line->size() < kColumns) return body;
  }
}

// Its views are into `file`.
absl::StatusOr<Header> ReadHeader(absl::string_view file) {
  absl::string_view rest = file;
  if (!absl::ConsumePrefix(&rest, kIntro)) return Malformed("its version is not v1");
  Header header;
  while (true) {
    const size_t start = file.size() - rest.size();
    const std::optional<absl::string_view> line = TakeLine(rest);
    if (!line.has_value()) return Malformed("its header is cut short");
    std::vector<absl::string_view> words = absl::StrSplit(*line, ' ');
    if (words.size() == 2 && words[0] == "---") {
      header.bytes = file.substr(0, start + 3);
      std::optional<std::string> mac = DecodeStrict(words[1], /*padded=*/false);
      if (!mac.has_value() || mac->size() != 32) return Malformed("its header has no MAC");
      header.mac = *std::move(mac);
      break;
    }
    if (words.size() < 2 || words[0] != "->" || header.stanzas.size() == kStanzasMax) {
      return Malformed("its header cannot be read");
    }
    words.erase(words.begin());
    ASSIGN_OR_RETURN(std::string body, TakeBody(rest));
    header.stanzas.push_back({std::move(words), std::move(body)});
  }
  if (header.stanzas.empty()) return Malformed("it is sealed to nobody");
  header.payload = rest;
  return header;
}

std::string WrappingKey(absl::string_view shared, absl::string_view ephemeral,
                        absl::string_view recipient) {
  return cipher::HkdfSha256(shared, absl::StrCat(ephemeral, recipient), kX25519Info);
}

// The file key, if the stanza is for this identity.
std::optional<std::string> Unwrap(const AgeIdentity& identity, const Stanza& stanza) {
  if (stanza.words.size() != 2 || stanza.words[0] != "X25519") return std::nullopt;
  const std::optional<std::string> ephemeral = DecodeStrict(stanza.words[1], /*padded=*/false);
  if (!ephemeral.has_value() || ephemeral->size() != cipher::kKeyBytes ||
      stanza.body.size() != kFileKeyBytes + cipher::kTagBytes) {
    return std::nullopt;
  }
  absl::StatusOr<std::string> shared = cipher::SharedSecret(identity.key(), *ephemeral);
  if (!shared.ok()) return std::nullopt;
  const Wipe wipe_shared(*shared);
  std::string wrapping = WrappingKey(*shared, *ephemeral, identity.recipient().key());
  const Wipe wipe_wrapping(wrapping);
  absl::StatusOr<std::string> key =
      cipher::OpenChaCha(wrapping, std::string(12, '\0'), stanza.body);
  if (!key.ok()) return std::nullopt;
  return *std::move(key);
}

std::string HeaderMac(absl::string_view file_key, absl::string_view header) {
  std::string key = cipher::HkdfSha256(file_key, "", "header");
  const Wipe wipe(key);
  return cipher::HmacSha256(key, header);
}

// The nonce of the only chunk: number zero, and the last.
std::string OnlyChunk() {
  std::string nonce(12, '\0');
  nonce.back() = 1;
  return nonce;
}

}  // namespace

AgeRecipient::AgeRecipient(std::string key)
    : text_(EncodeBech32(kRecipientPrefix, key)), key_(std::move(key)) {}

absl::StatusOr<AgeRecipient> AgeRecipient::Parse(absl::string_view text) {
  absl::StatusOr<Bech32> decoded = DecodeBech32(text);
  if (!decoded.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("this is no age recipient ('age1...'): ", decoded.status().message()));
  }
  if (decoded->prefix != kRecipientPrefix || decoded->bytes.size() != cipher::kKeyBytes) {
    return absl::InvalidArgumentError("this is no age recipient ('age1...') of an X25519 key");
  }
  // A key of low order would seal to everybody.
  if (!cipher::SharedSecret(cipher::RandomBytes(cipher::kKeyBytes), decoded->bytes).ok()) {
    return absl::InvalidArgumentError("this age recipient is no sound key");
  }
  return AgeRecipient(std::move(decoded->bytes));
}

AgeIdentity::AgeIdentity(std::string key)
    : key_(std::move(key)), recipient_(cipher::PublicKeyOf(key_)) {}

AgeIdentity::~AgeIdentity() { WipeSecret(key_); }

AgeIdentity AgeIdentity::Generate() { return AgeIdentity(cipher::RandomBytes(cipher::kKeyBytes)); }

absl::StatusOr<AgeIdentity> AgeIdentity::Parse(absl::string_view text) {
  absl::StatusOr<Bech32> decoded = DecodeBech32(text);
  if (!decoded.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "this is no age identity ('AGE-SECRET-KEY-1...'): ", decoded.status().message()));
  }
  if (decoded->prefix != kIdentityPrefix || decoded->bytes.size() != cipher::kKeyBytes) {
    return absl::InvalidArgumentError(
        "this is no age identity ('AGE-SECRET-KEY-1...') of an X25519 key");
  }
  return AgeIdentity(std::move(decoded->bytes));
}

std::string AgeIdentity::text() const {
  return absl::AsciiStrToUpper(EncodeBech32(kIdentityPrefix, key_));
}

absl::StatusOr<std::vector<AgeIdentity>> ParseAgeIdentities(absl::string_view text) {
  std::vector<AgeIdentity> identities;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || absl::StartsWith(line, "#")) continue;
    absl::StatusOr<AgeIdentity> identity = AgeIdentity::Parse(line);
    if (!identity.ok()) return Annotate(identity.status(), absl::StrCat("line ", number));
    identities.push_back(*std::move(identity));
  }
  if (identities.empty()) {
    return absl::InvalidArgumentError("there is no age identity ('AGE-SECRET-KEY-1...') in it");
  }
  return identities;
}

std::string AgeIdentityFile(const AgeIdentity& identity) {
  return absl::StrCat("# public key: ", identity.recipient().text(), "\n", identity.text(), "\n");
}

std::string SealAge(absl::Span<const AgeRecipient> recipients, absl::string_view secret) {
  CHECK(!recipients.empty() && secret.size() <= kChunkBytes);
  std::string file_key = cipher::RandomBytes(kFileKeyBytes);
  const Wipe wipe(file_key);
  std::string file(kIntro);
  for (const AgeRecipient& recipient : recipients) {
    std::string ephemeral = cipher::RandomBytes(cipher::kKeyBytes);
    const Wipe wipe_ephemeral(ephemeral);
    const std::string share = cipher::PublicKeyOf(ephemeral);
    absl::StatusOr<std::string> shared = cipher::SharedSecret(ephemeral, recipient.key());
    CHECK_OK(shared.status());
    const Wipe wipe_shared(*shared);
    std::string wrapping = WrappingKey(*shared, share, recipient.key());
    const Wipe wipe_wrapping(wrapping);
    const std::string body = cipher::SealChaCha(wrapping, std::string(12, '\0'), file_key);
    absl::StrAppend(&file, "-> X25519 ", EncodeUnpadded(share), "\n",
                    Wrapped(EncodeUnpadded(body), /*short_end=*/true));
  }
  file += "---";
  const std::string mac = HeaderMac(file_key, file);
  absl::StrAppend(&file, " ", EncodeUnpadded(mac), "\n");
  const std::string nonce = cipher::RandomBytes(kNonceBytes);
  std::string key = cipher::HkdfSha256(file_key, nonce, "payload");
  const Wipe wipe_key(key);
  absl::StrAppend(&file, nonce, cipher::SealChaCha(key, OnlyChunk(), secret));
  return absl::StrCat(kArmorBegin, "\n", Wrapped(absl::Base64Escape(file), /*short_end=*/false),
                      kArmorEnd, "\n");
}

absl::StatusOr<std::string> OpenAge(absl::Span<const AgeIdentity> identities,
                                    absl::string_view armored) {
  ASSIGN_OR_RETURN(const std::string file, Unarmored(armored));
  ASSIGN_OR_RETURN(const Header header, ReadHeader(file));
  std::optional<std::string> file_key;
  for (const AgeIdentity& identity : identities) {
    for (const Stanza& stanza : header.stanzas) {
      if (!file_key.has_value()) file_key = Unwrap(identity, stanza);
    }
  }
  if (!file_key.has_value()) return absl::NotFoundError("it is sealed to none of the keys here");
  const Wipe wipe_file_key(*file_key);
  if (!cipher::EqualSecrets(HeaderMac(*file_key, header.bytes), header.mac)) {
    return absl::DataLossError("its header was altered");
  }
  if (header.payload.size() < kNonceBytes + cipher::kTagBytes) {
    return Malformed("its payload is cut short");
  }
  if (header.payload.size() > kNonceBytes + kChunkBytes + cipher::kTagBytes) {
    return absl::UnimplementedError("it is longer than 64 KiB");
  }
  std::string key = cipher::HkdfSha256(*file_key, header.payload.substr(0, kNonceBytes), "payload");
  const Wipe wipe_key(key);
  return cipher::OpenChaCha(key, OnlyChunk(), header.payload.substr(kNonceBytes));
}

}  // namespace muster
