// KustomizeForm: what a tool changes in a kustomization before it builds it, in two forms: the
// change in place, as Flux and Argo CD make it in their copy, and a small kustomization of its own
// around the untouched one, as Muster can be given it. Whether both give equal objects is found
// out by building both. Pure; one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"
#include "common/render/kustomize/file_source.h"
#include "common/render/render.h"
#include "proto/child.pb.h"

namespace muster::cli {

// Fields as a kustomization has them.
struct KustomizeEdits {
  std::string namespace_;
  std::string name_prefix;
  std::string name_suffix;
  Value::List images;
  Value::List replicas;
  Value::List patches;
  Value::List labels;                   // entries of `labels`
  Value::Map common_labels;             // in selectors too
  Value::Map common_annotations;        // in templates too
  Value::Map metadata_labels;           // of the objects alone, after everything else
  Value::Map metadata_annotations;      // likewise
  std::vector<std::string> components;  // directories, from the repository's root

  bool empty() const;
};

// A tree with files that are not there (yet), or others than those that are.
class OverlaidSource : public kustomize::FileSource {
 public:
  explicit OverlaidSource(const FileTree& files) : files_(files) {}
  void Put(const std::string& path, std::string bytes) { extra_[path] = std::move(bytes); }

  absl::StatusOr<const std::string*> Find(const std::string& path) override;
  absl::StatusOr<bool> IsDirectory(const std::string& path) override;
  // Of the tree alone: what lies over it are kustomizations, and only charts are read whole.
  absl::StatusOr<FileTree::Range> Below(const std::string& path) override;

 private:
  const FileTree& files_;
  std::map<std::string, std::string> extra_;
};

// The path of the kustomization file in `directory`; "" when there is none.
std::string KustomizationIn(const FileTree& files, const std::string& directory);

// The way from the directory `from` to `to`, both from the root: "../../apps".
std::string RelativePath(const std::string& from, const std::string& to);

// The kustomization `text` (that of `directory`) with the edits made in it. kInvalidArgument for
// what is no kustomization.
absl::StatusOr<std::string> EditInPlace(absl::string_view text, const std::string& file,
                                        const std::string& directory, const KustomizeEdits& edits);

// A kustomization in the directory `at` around `resources` (paths from the root), without objects
// of the kinds and names in `dropped`.
Value WrapperAround(const std::vector<std::string>& resources, const KustomizeEdits& edits,
                    const std::vector<Value>& dropped, const std::string& at);

// What Muster renders of the input; a kustomization that builds to nothing gives nothing. `source`
// lies over `files`.
absl::StatusOr<Rendering> RenderOverlaid(const FileTree& files, OverlaidSource& source,
                                         const v1::RenderInput& input);

// "" when both are the same objects, else the first difference in words.
std::string ObjectDifference(const std::vector<Value>& expected, const Rendering& actual);

// In which form Muster can be given what a tool makes of a directory.
struct FormRequest {
  const FileTree& files;
  std::string output;                  // of the import, from the root
  std::string directory;               // that the tool renders
  std::vector<std::string> resources;  // what a kustomization around it would list
  KustomizeEdits edits;
  std::vector<Value> dropped;   // objects that it must not hold
  std::vector<Value> expected;  // the objects that the tool gives, but for those
  v1::RenderInput input;        // all but the path
  bool compares = true;         // false: `expected` cannot be known
  bool always_wraps = false;    // never the directory itself
};

struct Form {
  std::string path;                // the directory itself; empty: `kustomization`
  std::string kustomization;       // text of one, three folders below the output
  bool has_kustomization = false;  // whether a kustomization is built, in either form
  std::string difference;          // from what was expected; empty: none
};

// The directory itself where that renders what is expected, else a kustomization around it.
Form SimplestForm(const FormRequest& request);

// The objects of a rendering.
std::vector<Value> ValuesOf(const Rendering& rendering);

// The names of variables that `objects` use and `known` does not hold, without those that bring a
// default along.
std::vector<std::string> UndefinedVariables(const std::vector<Value>& objects,
                                            const std::map<std::string, std::string>& known);

}  // namespace muster::cli
