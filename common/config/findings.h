// Findings: the errors in one declaration, each with file and line. Pure; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifest/yaml.h"
#include "proto/fleet.pb.h"

namespace muster {

// Collects what is wrong with one document. The document must outlive it.
class Findings {
 public:
  explicit Findings(const Document& document);

  // Adds an error about the node at a JSON pointer: "spec.targets[0].path: why". What is missing is
  // reported where it should stand.
  void Add(absl::string_view pointer, absl::string_view why);

  bool empty() const { return errors_.empty(); }
  const std::vector<v1::ConfigError>& errors() const { return errors_; }

  const Document& document() const { return document_; }

 private:
  const Document& document_;
  std::string kind_, name_;
  std::vector<v1::ConfigError> errors_;
};

// A pointer for people: "/spec/targets/0/path" is "spec.targets[0].path", and keys with dots stand
// in brackets: metadata.labels["example.com/x"].
std::string FieldText(const Value& document, absl::string_view pointer);

// An error as text: "fleet/web.yaml:7: spec.pth: unknown field; did you mean 'path'?".
std::string ConfigErrorText(const v1::ConfigError& error);

}  // namespace muster
