// SOPS files and sealed objects from anywhere, in all formats: never a crash or memory without end;
// without the right key nothing is opened; and whatever was altered in a file that can be opened,
// the result is an error or what was sealed.
// Run: bazel run --config=fuzz //test/fuzz:sops_fuzz -- -runs=1000000
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/manifest/json.h"
#include "common/manifest/sealed.h"
#include "common/secrets/age.h"
#include "common/secrets/sops.h"

namespace {

using muster::SopsFormat;

const muster::AgeIdentity& Key() {
  static const auto& key = *new muster::AgeIdentity(muster::AgeIdentity::Generate());
  return key;
}

// A sealed object of a known value.
const std::string& Known() {
  static const auto& text = *new std::string([] {
    const muster::Value object = *muster::ParseJson(
        R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"a":"YQ==","n":7}})");
    return *muster::SealObject(object, {Key().recipient()}, absl::UnixEpoch());
  }());
  return text;
}

// Opens with the right key; `altered` is what it once was, with some bytes changed.
void OpenAltered(const std::string& altered) {
  const auto file = muster::ReadSops(altered, SopsFormat::kYaml, "fuzz");
  if (!file.ok()) return;
  for (const muster::SopsRecipient& recipient : file->metadata.recipients) {
    const auto key = muster::OpenAge({Key()}, recipient.sealed_key);
    if (!key.ok()) continue;
    const auto opened = muster::OpenSops(*file, *key);
    // A name may change where the MAC does not see it; a value never does.
    if (!opened.ok()) continue;
    const std::string json = muster::CanonicalJson(opened->front());
    CHECK(json.find("YQ==") != std::string::npos && json.find(":7") != std::string::npos) << json;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  (void)muster::OpenAge({Key()}, text);
  (void)muster::AgeRecipient::Parse(text);
  (void)muster::ParseAgeIdentities(text);
  (void)muster::LooksLikeSops(text);
  for (const SopsFormat format :
       {SopsFormat::kYaml, SopsFormat::kJson, SopsFormat::kDotenv, SopsFormat::kBinary}) {
    const auto file = muster::ReadSops(text, format, "fuzz");
    if (!file.ok()) {
      CHECK(file.status().message().substr(0, 4) == "fuzz") << file.status();
      continue;
    }
    CHECK(!file->metadata.recipients.empty());
    (void)muster::OpenSops(*file, std::string(32, 'k'));
  }
  if (const auto form = muster::ParseJson(text); form.ok()) {
    const auto sealed = muster::ReadSealedForm(*form);
    if (sealed.ok())
      CHECK(muster::ReadSealedForm(muster::SealedForm(sealed->shown, sealed->texts)).ok());
  }
  if (size < 3) return 0;
  std::string altered = Known();
  const size_t at = (size_t{data[0]} << 8 | data[1]) % altered.size();
  altered.replace(at, std::min(size - 2, altered.size() - at), std::string(text.substr(2)));
  OpenAltered(altered);
  return 0;
}
