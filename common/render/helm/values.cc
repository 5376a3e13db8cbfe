#include "common/render/helm/values.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/manifest/sealed.h"
#include "common/manifest/yaml.h"
#include "common/render/documents.h"

namespace muster {
namespace {

constexpr size_t kSecretBytesMin = 4;  // what is shorter would blot out half of every message

absl::Status AddValues(kustomize::FileSource& files, const std::string& base, const v1::Helm& helm,
                       absl::string_view whose, std::vector<ValuesText>& texts) {
  for (const std::string& relative : helm.values_files()) {
    ASSIGN_OR_RETURN(std::string path, JoinPath(base, relative));
    ASSIGN_OR_RETURN(const std::string* bytes, files.Find(path));
    if (bytes == nullptr) {
      return absl::NotFoundError(absl::StrCat(path, ": helm.valuesFiles of the ", whose,
                                              " names this file, which is not there; paths of "
                                              "values files start at the package's path"));
    }
    texts.push_back({std::move(path), *bytes});
  }
  if (!helm.values().empty()) {
    texts.push_back({absl::StrCat("helm.values of the ", whose), helm.values()});
  }
  return absl::OkStatus();
}

absl::Status CheckValues(const std::vector<Document>& documents) {
  if (documents.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        documents[1].Where(""), ": a second document; values are one document, a mapping"));
  }
  if (documents.empty()) return absl::OkStatus();
  if (!documents[0].value.is_map()) {
    return absl::InvalidArgumentError(
        absl::StrCat(documents[0].Where(""), ": values must be a mapping, as in `replicas: 2`"));
  }
  return absl::OkStatus();
}

bool SpeaksOfSecrets(absl::string_view key) {
  const std::string lower = absl::AsciiStrToLower(key);
  for (const absl::string_view word :
       {"pass", "secret", "token", "key", "credential", "private", "auth", "cert", "dsn"}) {
    if (absl::StrContains(lower, word)) return true;
  }
  return false;
}

// Depth is bounded by the YAML reader's.
void CollectSecrets(const Value& value, bool secret, std::set<std::string>& found) {
  if (value.is_map()) {
    for (const Member& member : value.map()) {
      CollectSecrets(member.value, secret || SpeaksOfSecrets(member.key), found);
    }
  } else if (value.is_list()) {
    for (const Value& element : value.list()) CollectSecrets(element, secret, found);
  } else if (secret && value.is_string() && value.string().size() >= kSecretBytesMin) {
    found.insert(value.string());
  } else if (secret && value.is_number() && value.number().size() >= kSecretBytesMin) {
    found.insert(value.number());
  }
}

}  // namespace

absl::StatusOr<std::vector<ValuesText>> FindValues(kustomize::FileSource& files,
                                                   const v1::RenderInput& input) {
  std::vector<ValuesText> texts;
  RETURN_IF_ERROR(AddValues(files, input.path(), input.helm(), "package", texts));
  RETURN_IF_ERROR(AddValues(files, input.path(), input.target_helm(), "target", texts));
  return texts;
}

absl::StatusOr<std::vector<ValuesText>> ResolveValues(std::vector<ValuesText> texts,
                                                      const VariableScope& scope, bool substitute) {
  for (ValuesText& values : texts) {
    RETURN_IF_ERROR(RefuseSopsFile(values.text, values.name, "Helm values"));
    PutOff put_off;
    if (substitute) {
      ASSIGN_OR_RETURN(values.text, SubstituteDocuments(values.text, scope, values.name, put_off));
    }
    ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(values.text, values.name));
    for (const Document& document : documents) RETURN_IF_ERROR(put_off.Check(document.value));
    RETURN_IF_ERROR(CheckValues(documents));
  }
  return texts;
}

std::vector<std::string> SecretTexts(const std::vector<ValuesText>& texts) {
  std::set<std::string> found;
  for (const ValuesText& values : texts) {
    const absl::StatusOr<std::vector<Document>> documents = ParseYaml(values.text, values.name);
    if (!documents.ok()) continue;
    for (const Document& document : *documents) CollectSecrets(document.value, false, found);
  }
  std::vector<std::string> sorted(found.begin(), found.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return sorted;
}

}  // namespace muster
