#include "agent/kube/unmanaged_scan.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/cluster/unmanaged.h"
#include "agent/kube/api_error.h"
#include "agent/kube/json_splitter.h"
#include "agent/kube/url.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr int kPage = 500;
constexpr absl::string_view kMetadataOnly =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

std::string Text(const Value& object, absl::string_view pointer) {
  const Value* value = object.Find(pointer);
  return value != nullptr && value->is_string() ? value->string() : "";
}

}  // namespace

// One kind in one namespace.
class UnmanagedScan::Listing final : public Operation {
 public:
  Listing(UnmanagedScan& scan, ApiCatalog::Listed kind, std::string namespace_, absl::Time deadline)
      : scan_(scan),
        kind_(std::move(kind)),
        namespace_(std::move(namespace_)),
        deadline_(deadline) {}

  std::optional<ApiRequest> Next() override {
    if (done_) return std::nullopt;
    ApiRequest request{.accept = std::string(kMetadataOnly), .deadline = deadline_};
    request.path = absl::StrCat(
        ApiCatalog::CollectionPath(kind_.api, kind_.api_version, namespace_), "?limit=", kPage);
    if (!continue_.empty()) absl::StrAppend(&request.path, "&continue=", UrlEscape(continue_));
    return request;
  }

  void Take(absl::StatusOr<ApiResponse> response) override {
    done_ = true;
    if (!response.ok()) return Fail(response.status());
    if (!response->ok()) {
      const absl::Status why = ParseApiError(response->status, response->body).status;
      // What we may not see, or what is no longer served, is not ours to count; a kind whose own
      // server is away does not hide the others.
      const bool skipped = absl::IsPermissionDenied(why) || absl::IsNotFound(why) ||
                           absl::IsUnimplemented(why) || absl::IsOutOfRange(why);
      if (!skipped && scan_.trouble_.ok()) scan_.trouble_ = why;
      return;
    }
    scan_.counted_ = true;
    JsonSplitter items(JsonSplitter::Of::kItems, [this](absl::string_view text) { Look(text); });
    const absl::Status fed = items.Feed(response->body);
    const absl::StatusOr<Value> rest = ParseJson(items.rest());
    if (!fed.ok() || !rest.ok()) return Fail(absl::UnavailableError("the list cannot be read"));
    continue_ = Text(*rest, "/metadata/continue");
    done_ = continue_.empty();
  }

 private:
  void Fail(const absl::Status& why) {
    if (!scan_.failure_.ok()) return;
    scan_.failure_ =
        Annotate(why, absl::StrCat("list ", kind_.api.plural, " of namespace ", namespace_));
  }

  void Look(absl::string_view text) {
    const absl::StatusOr<Value> object = ParseJson(text);
    if (!object.ok()) return;
    const Value* owners = object->Find("/metadata/ownerReferences");
    if (owners != nullptr && owners->is_list() && !owners->list().empty()) return;
    scan_.Found(ObjectKey{.api_version = kind_.api_version,
                          .kind = kind_.kind,
                          .namespace_ = namespace_,
                          .name = Text(*object, "/metadata/name")});
  }

  UnmanagedScan& scan_;
  const ApiCatalog::Listed kind_;
  const std::string namespace_;
  const absl::Time deadline_;
  std::string continue_;
  bool done_ = false;
};

UnmanagedScan::Identity UnmanagedScan::IdentityOf(const ObjectKey& key) {
  return {std::string(key.group()), key.kind, key.namespace_, key.name};
}

UnmanagedScan::UnmanagedScan(const UnmanagedQuery& query, const ApiCatalog& catalog,
                             absl::Time deadline)
    : keys_max_(query.keys_max) {
  for (const ObjectKey& key : query.managed) managed_.insert(IdentityOf(key));
  for (ApiCatalog::Listed& kind : catalog.Preferred()) {
    // What cannot be deleted is a view of something else (metrics, reviews).
    if (!kind.api.namespaced || !kind.api.lists || !kind.api.deletes) continue;
    for (const std::string& name : query.namespaces) {
      own_.push_back(std::make_unique<Listing>(*this, kind, name, deadline));
      operations_.push_back(own_.back().get());
    }
  }
}

void UnmanagedScan::Found(ObjectKey key) {
  if (key.name.empty() || IsMadeByKubernetes(key) || managed_.contains(IdentityOf(key))) return;
  ++count_;
  first_.insert(std::move(key));
  if (first_.size() > keys_max_) first_.erase(std::prev(first_.end()));
}

absl::StatusOr<Unmanaged> UnmanagedScan::result() && {
  RETURN_IF_ERROR(failure_);
  if (!counted_) RETURN_IF_ERROR(trouble_);
  return Unmanaged{.count = count_, .keys = {first_.begin(), first_.end()}};
}

}  // namespace muster::agent
