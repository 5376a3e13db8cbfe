#include "agent/secrets/unsealer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/sealed.h"
#include "common/manifest/string_data.h"
#include "common/secrets/wipe.h"

namespace muster::agent {
namespace {

absl::Status Invalid(absl::string_view why) { return absl::InvalidArgumentError(why); }

// The document that was the object, with the metadata that it is to have.
absl::Status BecomeDocument(Value document, Value& object) {
  for (const absl::string_view field : {"apiVersion", "kind"}) {
    const Value* sealed = document.Get(field);
    if (sealed == nullptr || !(*sealed == *object.Get(field))) {
      return Invalid(absl::StrCat("what was sealed is of another ", field));
    }
  }
  document.map().Set("metadata", *object.Get("metadata"));
  object = std::move(document);
  return absl::OkStatus();
}

absl::Status AddData(const std::string& name, absl::string_view bytes, Value& object) {
  const Value* clear = object.Get("stringData");
  if (clear != nullptr && clear->Get(name) != nullptr) {
    return Invalid(absl::StrCat("`stringData` has '", name, "' too"));
  }
  Value* data = object.Get("data");
  if (data == nullptr || data->is_null()) data = &object.map().Set("data", Value::Map());
  if (!data->is_map()) return Invalid("`data` is no map");
  if (!data->map().Insert(name, Value(absl::Base64Escape(bytes)))) {
    return Invalid(absl::StrCat("'", name, "' is there twice"));
  }
  return absl::OkStatus();
}

// Takes what one of its texts held into the object.
absl::Status TakeIn(const SealedText& text, std::vector<Value> documents, Value& object) {
  if (text.format == "dotenv") {
    const Value& variables = documents.front();
    for (const Member& variable : variables.map()) {
      RETURN_IF_ERROR(AddData(variable.key, variable.value.string(), object));
    }
    return absl::OkStatus();
  }
  if (text.format == "binary") {
    return AddData(text.key, documents.front().Get("data")->string(), object);
  }
  if (text.document >= static_cast<int>(documents.size())) {
    return Invalid("the document is not there");
  }
  return BecomeDocument(std::move(documents[text.document]), object);
}

// Shorter texts say nothing, and stand in every message.
constexpr size_t kHiddenBytesMin = 4;

// The texts in a value, decoded too where they may be base64; the depth is bounded by the reader.
void Collect(const Value& value, std::vector<std::string>& texts) {
  if (value.is_map()) {
    for (const Member& member : value.map()) Collect(member.value, texts);
  } else if (value.is_list()) {
    for (const Value& element : value.list()) Collect(element, texts);
  } else if (value.is_string() || value.is_number()) {
    const std::string& text = value.is_string() ? value.string() : value.number();
    std::string decoded;
    if (absl::Base64Unescape(text, &decoded)) texts.push_back(std::move(decoded));
    texts.push_back(text);
  }
}

// "Secret shop/web".
std::string Describe(const ObjectKey& key) {
  return absl::StrCat(key.kind, " ", key.namespace_, key.namespace_.empty() ? "" : "/", key.name);
}

absl::Status WithCode(absl::StatusCode code, absl::string_view about, const absl::Status& status) {
  return absl::Status(code, absl::StrCat("open sealed ", about, ": ", status.message()));
}

}  // namespace

Unsealer::Unsealer(std::vector<AgeIdentity> identities, OpenPgp openpgp, Further further)
    : identities_(std::move(identities)),
      openpgp_(std::move(openpgp)),
      further_(std::move(further)) {}

absl::StatusOr<std::string> Unsealer::DataKeyOf(const SopsFile& file) const {
  std::string trouble;
  std::optional<std::vector<AgeIdentity>> further;  // read when it is wanted
  for (const SopsRecipient& recipient : file.metadata.recipients) {
    absl::StatusOr<std::string> key = absl::NotFoundError("");
    if (recipient.kind == SopsRecipient::Kind::kAge) {
      key = OpenAge(identities_, recipient.sealed_key);
      if (absl::IsNotFound(key.status()) && further_ != nullptr) {
        if (!further.has_value()) further = further_();
        key = OpenAge(*further, recipient.sealed_key);
      }
    } else if (recipient.kind == SopsRecipient::Kind::kOpenPgp && openpgp_ != nullptr) {
      key = openpgp_(recipient);
    }
    if (key.ok()) return key;
    if (!absl::IsNotFound(key.status())) {
      absl::StrAppend(&trouble, "; for ", recipient.name, ": ", key.status().message());
    }
  }
  const auto add_name = [](std::string* out, const AgeIdentity& identity) {
    absl::StrAppend(out, identity.recipient().text());
  };
  std::string ours = absl::StrJoin(identities_, ", ", add_name);
  if (further.has_value() && !further->empty()) {
    absl::StrAppend(&ours, ours.empty() ? "" : ", ", absl::StrJoin(*further, ", ", add_name));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      file.file, ": it is sealed to ", NamesOf(file.metadata.recipients),
      ", and this cluster's key is ", ours.empty() ? "none" : ours,
      "; seal it to this cluster too, with 'muster secret seal' or by adding its key to .sops.yaml",
      trouble));
}

absl::StatusOr<std::string> Unsealer::Open(const ObjectKey& key, absl::string_view json) const {
  const std::string about = Describe(key);
  absl::StatusOr<Value> form = ParseJson(json);
  if (!form.ok()) return WithCode(absl::StatusCode::kInvalidArgument, about, form.status());
  absl::StatusOr<SealedObject> sealed = ReadSealedForm(*form);
  if (!sealed.ok()) return WithCode(absl::StatusCode::kInvalidArgument, about, sealed.status());
  Value object = std::move(sealed->shown);
  absl::StatusOr<Object> shown = MakeObject(object);
  if (!shown.ok() || shown->key != key) {
    return Invalid(absl::StrCat("open sealed ", about, ": it says that it is another object"));
  }
  for (const SealedText& text : sealed->texts) {
    const absl::StatusOr<SopsFormat> format = SopsFormatNamed(text.format);
    if (!format.ok()) return WithCode(absl::StatusCode::kInvalidArgument, about, format.status());
    absl::StatusOr<SopsFile> file = ReadSops(text.text, *format, text.file);
    if (!file.ok()) return WithCode(absl::StatusCode::kInvalidArgument, about, file.status());
    absl::StatusOr<std::string> data_key = DataKeyOf(*file);
    if (!data_key.ok()) return WithCode(data_key.status().code(), about, data_key.status());
    const Wipe wipe(*data_key);
    absl::StatusOr<std::vector<Value>> documents = OpenSops(*file, *data_key);
    absl::Status status = documents.status();
    if (status.ok()) status = TakeIn(text, *std::move(documents), object);
    if (!status.ok()) {
      return WithCode(absl::StatusCode::kInvalidArgument, absl::StrCat(about, ": ", text.file),
                      status);
    }
  }
  if (const absl::Status folded = FoldStringData(object); !folded.ok()) {
    return WithCode(absl::StatusCode::kInvalidArgument, about, folded);
  }
  std::string opened = CanonicalJson(object);
  if (opened.size() > limits::kObjectBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("open sealed ", about, ": it has more than ",
                                                     limits::kObjectBytesMax,
                                                     " bytes once it is open"));
  }
  return opened;
}

absl::Status HideValues(const absl::Status& status, absl::string_view opened) {
  const absl::StatusOr<Value> object = ParseJson(opened);
  std::vector<std::string> texts;
  if (object.ok() && object->is_map()) {
    for (const Member& member : object->map()) {
      const bool is_clear =
          member.key == "metadata" || member.key == "apiVersion" || member.key == "kind";
      if (!is_clear) Collect(member.value, texts);
    }
  }
  // The longest first, so that a part of another is not all that goes.
  std::sort(texts.begin(), texts.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  std::string message(status.message());
  for (const std::string& text : texts) {
    if (text.size() >= kHiddenBytesMin) {
      message = absl::StrReplaceAll(message, {{text, "(hidden)"}});
    }
  }
  return absl::Status(status.code(), message);
}

}  // namespace muster::agent
