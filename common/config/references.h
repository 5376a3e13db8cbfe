// References: whether the names in the fleet's declarations are unique and lead somewhere.
//
// Names of broken declarations count too, so that one error does not make others. Pure; one thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config/findings.h"
#include "proto/fleet.pb.h"

namespace muster {

class References {
 public:
  // Notes that a document declares its metadata.name within `kind`.
  void Declare(absl::string_view kind, const Findings& findings);

  // Notes what kind of repository is declared.
  void Declare(const v1::Repository& repository);

  // Notes what a package, or a repository, refers to.
  void Refer(const v1::Package& package, const Findings& findings);
  void Refer(const v1::Repository& repository, const Findings& findings);

  // After all files: what is declared twice (an error in both places), missing, or goes in circles.
  std::vector<v1::ConfigError> Check() const;

 private:
  struct Place {
    std::string file;
    int line = 0;
  };
  struct Reference {
    std::string from_kind;
    std::string from;  // its name
    std::string kind;
    std::string name;
    std::string field;
    Place place;
  };

  void AddDuplicates(std::vector<v1::ConfigError>& errors) const;
  void AddMissing(std::vector<v1::ConfigError>& errors) const;
  void AddMisused(std::vector<v1::ConfigError>& errors) const;
  void AddCircles(std::vector<v1::ConfigError>& errors) const;

  std::map<std::pair<std::string, std::string>, std::vector<Place>> places_;  // by kind and name
  std::vector<Reference> references_;
  std::map<std::string, bool> is_registry_;  // repositories, by name
  // A package and the lines of those fields whose meaning depends on its repository.
  struct Noted {
    v1::Package package;
    std::string file;
    std::map<std::string, int> lines;  // by pointer
  };
  std::vector<Noted> packages_;
};

}  // namespace muster
