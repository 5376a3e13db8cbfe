#include "common/render/kustomize/name_references.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/field_specs.h"

namespace muster::kustomize {
namespace {

using Candidates = std::vector<size_t>;

// What the choice of a candidate asks of a resource, read from it once.
struct Known {
  ResId id;
  std::vector<ResId> previous;
  std::string effective_namespace;
  std::string original_namespace;
  bool cluster_scoped = false;
};

// Whether the shorter list is the end of the longer one.
bool EndsAlike(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto& longer = a.size() > b.size() ? a : b;
  const auto& shorter = a.size() > b.size() ? b : a;
  if (shorter.empty()) return longer.empty();
  return std::equal(shorter.rbegin(), shorter.rend(), longer.rbegin());
}

bool AffixesMatch(const Resource& a, const Resource& b, bool allow_empty) {
  const auto matches = [allow_empty](const std::vector<std::string>& x,
                                     const std::vector<std::string>& y) {
    return (allow_empty && (x.empty() || y.empty())) || EndsAlike(x, y);
  };
  return matches(a.prefixes, b.prefixes) && matches(a.suffixes, b.suffixes);
}

template <typename Predicate>
void Keep(Candidates& candidates, Predicate predicate) {
  candidates.erase(
      std::remove_if(candidates.begin(), candidates.end(), [&](size_t i) { return !predicate(i); }),
      candidates.end());
}

class ReferenceUpdate {
 public:
  explicit ReferenceUpdate(ResMap& map) : resources_(map.Mutable()) {
    known_.reserve(resources_.size());
    for (size_t i = 0; i < resources_.size(); ++i) {
      known_.push_back(Read(resources_[i]));
      by_original_namespace_[known_[i].original_namespace].push_back(i);
      std::set<std::string> names;
      for (const ResId& id : known_[i].previous) names.insert(id.name);
      for (const std::string& name : names) by_former_name_[name].push_back(i);
    }
  }

  absl::Status Run(const std::vector<NameReference>& table) {
    for (const Resource& resource : resources_) RETURN_IF_ERROR(RefuseBlankSubjects(resource));
    if (by_former_name_.empty()) return absl::OkStatus();
    // Which rows a kind of referrer needs is the same for all of its resources.
    std::map<std::string, std::vector<Row>> rows_by_gvk;
    for (size_t i = 0; i < resources_.size(); ++i) {
      const ResId original = resources_[i].OriginalId();
      const auto [rows, added] = rows_by_gvk.try_emplace(original.gvk.text());
      if (added) rows->second = RowsFor(original.gvk, table);
      for (const Row& row : rows->second) RETURN_IF_ERROR(UpdateField(i, row));
    }
    return absl::OkStatus();
  }

 private:
  struct Row {
    const Gvk* target;
    FieldSpec spec;  // for any kind: that it fits was found out by the original id
  };

  // A service account whose namespace is there and no text could be anybody.
  static absl::Status RefuseBlankSubjects(const Resource& resource) {
    if (resource.kind() != "RoleBinding") return absl::OkStatus();
    const Value* subjects = resource.value().Get("subjects");
    if (subjects == nullptr || !subjects->is_list()) return absl::OkStatus();
    for (const Value& subject : subjects->list()) {
      const Value* kind = subject.Get("kind");
      const Value* space = subject.Get("namespace");
      if (kind == nullptr || ScalarText(*kind) != "ServiceAccount" || space == nullptr ||
          space->is_string()) {
        continue;
      }
      return absl::InvalidArgumentError(
          absl::StrCat(resource.place.text(), ": a subject of ", resource.CurrentId().text(),
                       " has a namespace that is no text; name one, or leave the field out"));
    }
    return absl::OkStatus();
  }

  static Known Read(const Resource& resource) {
    Known known{resource.CurrentId(), resource.PreviousIds(), "", "", false};
    known.effective_namespace = known.id.EffectiveNamespace();
    known.original_namespace = known.previous.empty() ? known.effective_namespace
                                                      : known.previous.front().EffectiveNamespace();
    known.cluster_scoped = IsCertainlyClusterScoped(known.id.gvk);
    return known;
  }

  static std::vector<Row> RowsFor(const Gvk& gvk, const std::vector<NameReference>& table) {
    std::vector<Row> rows;
    for (const NameReference& reference : table) {
      for (const FieldSpec& spec : reference.referrers) {
        if (!gvk.IsSelectedBy(spec.gvk)) continue;
        Row row{&reference.gvk, spec};
        row.spec.gvk = Gvk();
        rows.push_back(std::move(row));
      }
    }
    return rows;
  }

  absl::Status UpdateField(size_t referrer, const Row& row) {
    Resource& resource = resources_[referrer];
    if (!LeadsAnywhere(row.spec, resource.value())) return absl::OkStatus();
    if (!HoldsFormerName(row.spec, 0, resource.value())) return absl::OkStatus();
    return EditFields(row.spec, CreateAs::kNothing, resource,
                      [&](Value& value) { return Update(referrer, row, value); });
  }

  // Whether a name that somebody had stands there, so that others need not be copied. What does
  // not look as it should is left to the update, which says so.
  bool HoldsFormerName(const FieldSpec& spec, size_t depth, const Value& value) const {
    if (depth == spec.steps.size()) return IsFormerName(value);
    if (value.is_list()) {
      return std::any_of(value.list().begin(), value.list().end(), [&](const Value& element) {
        return HoldsFormerName(spec, depth, element);
      });
    }
    if (!value.is_map()) return !value.is_null();
    absl::string_view step = spec.steps[depth];
    absl::ConsumeSuffix(&step, "[]");
    const Value* next = value.Get(step);
    return next != nullptr && HoldsFormerName(spec, depth + 1, *next);
  }

  bool IsFormerName(const Value& value) const {
    if (value.is_list()) {
      return std::any_of(value.list().begin(), value.list().end(),
                         [this](const Value& element) { return IsFormerName(element); });
    }
    if (value.is_map()) {
      const Value* name = value.Get("name");
      return name == nullptr || by_former_name_.count(ScalarText(*name)) > 0;
    }
    return by_former_name_.count(ScalarText(value)) > 0;
  }

  absl::Status Update(size_t referrer, const Row& row, Value& value) {
    if (value.is_null()) return absl::OkStatus();
    if (value.is_map()) return UpdateMap(referrer, row, value);
    if (!value.is_list()) return UpdateText(referrer, row, value);
    for (Value& element : value.list()) {
      if (element.is_null()) continue;
      if (element.is_list()) return absl::InvalidArgumentError("a list of lists holds no names");
      RETURN_IF_ERROR(element.is_map() ? UpdateMap(referrer, row, element)
                                       : UpdateText(referrer, row, element));
    }
    return absl::OkStatus();
  }

  absl::Status UpdateText(size_t referrer, const Row& row, Value& value) {
    const std::string old_name = ScalarText(value);
    const auto named = by_former_name_.find(old_name);
    if (named == by_former_name_.end()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::optional<size_t> found,
                     Choose(referrer, row, old_name, named->second, /*same_namespace=*/false));
    if (found.has_value() && known_[*found].id.name != old_name) {
      value = Value(known_[*found].id.name);
    }
    return absl::OkStatus();
  }

  absl::Status UpdateMap(size_t referrer, const Row& row, Value& value) {
    const Value* name = value.Get("name");
    if (name == nullptr) {
      return absl::InvalidArgumentError("the map has no 'name' to tell who is meant");
    }
    const std::string old_name = ScalarText(*name);
    const auto named = by_former_name_.find(old_name);
    if (named == by_former_name_.end()) return absl::OkStatus();
    Candidates candidates = named->second;
    if (const Value* space = value.Get("namespace"); space != nullptr) {
      KeepNamespace(referrer, ScalarText(*space), candidates);
    }
    ASSIGN_OR_RETURN(const std::optional<size_t> found,
                     Choose(referrer, row, old_name, candidates, /*same_namespace=*/true));
    if (!found.has_value()) return absl::OkStatus();
    const ResId& id = known_[*found].id;
    if (id.name == old_name && id.namespace_.empty()) return absl::OkStatus();
    value.map().Set("name", Value(id.name));
    if (!id.namespace_.empty()) value.map().Set("namespace", Value(id.namespace_));
    return absl::OkStatus();
  }

  // Those that were in the namespace first; when nobody in reach was, those that are there now.
  void KeepNamespace(size_t referrer, const std::string& space, Candidates& candidates) const {
    const auto there = by_original_namespace_.find(space);
    const bool any_original = there != by_original_namespace_.end() &&
                              std::any_of(there->second.begin(), there->second.end(),
                                          [&](size_t i) { return IsInReach(referrer, i); });
    Keep(candidates, [&](size_t i) {
      return (any_original ? known_[i].original_namespace : known_[i].effective_namespace) == space;
    });
    if (space == kNoNamespace) candidates.clear();
  }

  // Whether a resource can be referred to at all: everything from outside of namespaces, and from
  // within one what stands in it or outside of all, or is a subject of the role binding.
  bool IsInReach(size_t referrer, size_t candidate) const {
    const Known& from = known_[referrer];
    const Known& to = known_[candidate];
    if (from.cluster_scoped || to.cluster_scoped) return true;
    if (from.effective_namespace == to.effective_namespace) return true;
    if (from.id.gvk.kind != "RoleBinding") return false;
    const Value* subjects = resources_[referrer].value().Get("subjects");
    if (subjects == nullptr || !subjects->is_list()) return false;
    return std::any_of(subjects->list().begin(), subjects->list().end(), [&](const Value& subject) {
      const Value* kind = subject.Get("kind");
      const Value* space = subject.Get("namespace");
      return kind != nullptr && ScalarText(*kind) == "ServiceAccount" && space != nullptr &&
             ScalarText(*space) == to.id.namespace_;
    });
  }

  bool WasOfKind(size_t i, const Gvk& gvk) const {
    return std::any_of(known_[i].previous.begin(), known_[i].previous.end(),
                       [&gvk](const ResId& id) { return id.gvk.IsSelectedBy(gvk); });
  }

  // A roleRef says itself which kind it means.
  std::optional<Gvk> RoleRefOf(size_t referrer, const FieldSpec& spec) const {
    if (!absl::EndsWith(spec.path, "roleRef/name")) return std::nullopt;
    const Value* role = resources_[referrer].value().Get("roleRef");
    const Value* group = role == nullptr ? nullptr : role->Get("apiGroup");
    const Value* kind = role == nullptr ? nullptr : role->Get("kind");
    if (group == nullptr || kind == nullptr) return std::nullopt;
    return Gvk{ScalarText(*group), "", ScalarText(*kind)};
  }

  bool MayBeMeant(size_t referrer, size_t candidate) const {
    const Known& from = known_[referrer];
    const Known& to = known_[candidate];
    return from.cluster_scoped || to.cluster_scoped || to.id.gvk.kind == "ServiceAccount" ||
           from.effective_namespace == to.effective_namespace;
  }

  absl::StatusOr<std::optional<size_t>> Choose(size_t referrer, const Row& row,
                                               const std::string& old_name, Candidates candidates,
                                               bool same_namespace) const {
    const std::optional<Gvk> role = RoleRefOf(referrer, row.spec);
    Keep(candidates, [&](size_t i) {
      return IsInReach(referrer, i) && WasOfKind(i, *row.target) &&
             (!role.has_value() || WasOfKind(i, *role)) && MayBeMeant(referrer, i);
    });
    if (candidates.size() == 1) return std::optional<size_t>(candidates[0]);
    const Resource& from = resources_[referrer];
    Keep(candidates, [&](size_t i) { return AffixesMatch(resources_[i], from, true); });
    if (candidates.size() > 1) {
      Keep(candidates, [&](size_t i) { return AffixesMatch(resources_[i], from, false); });
    }
    if (candidates.empty()) return std::optional<size_t>();
    for (const size_t i : candidates) {
      const ResId &first = known_[candidates[0]].id, &other = known_[i].id;
      if (other.name == first.name && (!same_namespace || other.namespace_ == first.namespace_)) {
        continue;
      }
      return Ambiguous(old_name, candidates);
    }
    return std::optional<size_t>(candidates[0]);
  }

  absl::Status Ambiguous(const std::string& old_name, const Candidates& candidates) const {
    std::vector<std::string> ids;
    for (const size_t i : candidates) {
      ids.push_back(absl::StrCat(known_[i].id.text(), " from ", resources_[i].place.text()));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("'", old_name, "' could mean ", absl::StrJoin(ids, " or "),
                     "; give them different names where they are written"));
  }

  std::vector<Resource>& resources_;
  std::vector<Known> known_;
  std::map<std::string, Candidates> by_former_name_;
  std::map<std::string, Candidates> by_original_namespace_;
};

}  // namespace

absl::Status UpdateNameReferences(const std::vector<NameReference>& table, ResMap& map) {
  return ReferenceUpdate(map).Run(table);
}

}  // namespace muster::kustomize
