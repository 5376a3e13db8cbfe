// YAML in: files of a fleet's repositories become documents, with a place for every error.
//
// What unquoted text means: yaml_scalar.h. Accepted: byte order mark, CRLF, comments, documents
// without content (dropped), anchors (also one name given twice: the latest before the alias
// counts) and merge keys (a key of the map itself wins, then the earlier of several maps). Refused
// with "file:line:column: why" instead of guessed at: duplicate keys, keys that are null or no
// scalars, tabs as indentation, custom tags, aliases to what contains them, bytes that are not
// UTF-8, and whatever exceeds limits.h: size, depth, documents, and nodes counted with aliases
// expanded.
//
// Also refused: a text of which a second parser makes something else (yaml_plain_reader.h, for what
// is beyond that yaml_second_reader.h). What a person reviewed with another tool is then what runs.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

// A place in a file. Both count from 1; columns count characters.
struct Mark {
  int line = 1;
  int column = 1;

  friend bool operator==(const Mark&, const Mark&) = default;
};

// Where the nodes of a document were in its file. 16 bytes a node, and of its own: the document's
// value may be moved away or changed, the places stay those of the text.
class Positions {
 public:
  // The place of the node that the JSON pointer leads to: of its key in a map, else of its first
  // character. For what was not written there (a pointer into an alias, a merged key, a missing
  // field) the place of the nearest node above that was.
  Mark Find(absl::string_view pointer) const;

 private:
  friend class YamlComposer;

  // In the order of the text, each followed by what it contains.
  struct Node {
    uint32_t key_hash;  // of the key in a map
    uint32_t line;
    uint32_t column : 31;
    uint32_t is_list : 1;
    uint32_t span;  // nodes from this one to its last descendant, itself included
  };

  static uint32_t HashKey(absl::string_view key);
  // The child of `parent` that `step` names, or zero, which is nobody's child.
  size_t Child(size_t parent, absl::string_view step) const;

  std::vector<Node> nodes_;
};

struct Document {
  std::string file;
  Value value;  // never null: such documents are dropped
  Positions positions;

  // "apps/web.yaml:12:3", for messages about the node at `pointer`.
  std::string Where(absl::string_view pointer) const;
};

// Who must agree on what a text means. kOne is for what we wrote ourselves, and for no other text.
enum class YamlReaders { kOne, kTwo };

// Reads all documents of a file. `file` is only for messages. Returns kInvalidArgument, or
// kResourceExhausted for a limit.
absl::StatusOr<std::vector<Document>> ParseYaml(absl::string_view text, absl::string_view file,
                                                YamlReaders readers = YamlReaders::kTwo);

}  // namespace muster
