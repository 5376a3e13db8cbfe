// YamlComposer: events of a YAML parser in, documents out. What yaml.h promises about meaning and
// limits is kept here, whatever library the events come from; only yaml.cc uses it.
//
// One composer a file, one thread. After an error it is of no further use.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_last_key.h"

namespace muster {

// What may stand before any node.
struct NodeProperties {
  std::string anchor;  // empty for none
  std::string tag;     // resolved ("tag:yaml.org,2002:str"); empty for none
};

class YamlComposer {
 public:
  YamlComposer(absl::string_view file, YamlKeys keys) : file_(file), keys_(keys) {}

  absl::Status OnDocumentStart();
  absl::Status OnDocumentEnd();
  // `plain`: neither quoted nor a block.
  absl::Status OnScalar(Mark mark, const NodeProperties& properties, std::string text, bool plain);
  absl::Status OnAlias(Mark mark, const std::string& anchor);
  absl::Status OnListStart(Mark mark, const NodeProperties& properties);
  absl::Status OnListEnd();
  absl::Status OnMapStart(Mark mark, const NodeProperties& properties);
  absl::Status OnMapEnd();

  std::vector<Document> Take() && { return std::move(documents_); }

 private:
  // What limits count.
  struct Weight {
    int nodes = 0;
    size_t bytes = 0;  // of scalars and keys
  };

  // A list or map that is still open.
  struct Frame {
    Value value;
    Mark mark;
    std::string anchor;
    size_t position = 0;  // of its node in positions_
    Weight before;        // weight_ when it was opened
    int height = 1;       // levels at and below it, so far
    // Of a map: the key that waits for its value.
    bool has_key = false;
    bool is_merge = false;  // the key is a plain <<
    std::string key;
    Mark key_mark;
    // Of a map: the values of <<, to be merged when it is complete.
    std::vector<std::pair<Value, Mark>> merges;
  };

  // What an anchor names. Open while the node is not complete: an alias to it would contain itself.
  struct Anchored {
    bool open = true;
    Value value;
    Weight weight;
    int height = 0;
  };

  absl::Status Error(Mark mark, absl::string_view what) const;
  absl::Status LimitError(Mark mark, absl::string_view what) const;

  bool ExpectsKey() const;
  absl::Status TakeKey(Mark mark, const Value& value, std::string text, bool plain);
  absl::StatusOr<Value> ScalarValue(Mark mark, const std::string& tag, std::string text,
                                    bool plain) const;
  absl::Status Count(Mark mark, Weight weight);
  size_t AddPosition(Mark mark, bool is_list);
  absl::Status Open(Mark mark, const NodeProperties& properties, Value value);
  absl::Status Close();
  absl::Status Keep(Mark mark, const std::string& anchor, const Value& value, Weight weight,
                    int height);
  // Puts a complete node where it belongs: into the innermost frame, or as the document.
  absl::Status Add(Mark mark, Value value, int height);
  absl::Status Merge(Frame& frame);

  const std::string file_;
  const YamlKeys keys_;
  std::vector<Document> documents_;
  int documents_seen_ = 0;
  Weight weight_;  // of the whole file, aliases expanded
  Weight kept_;    // copied for anchors, in the whole file
  int aliases_ = 0;

  // Of the document at hand.
  std::vector<Frame> frames_;
  std::map<std::string, Anchored> anchors_;
  Value root_;
  Positions positions_;
};

}  // namespace muster
