// ImportReport: what became of each object of another tool: what it is now, what was left out and
// why, and whether the objects that it renders are the same. Values; one thread.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "cli/output/table.h"
#include "common/manifest/value.h"

namespace muster::cli {

// A field and a sentence: why it was left out and what to do, or why nothing needs to say it.
struct ImportNote {
  std::string field;  // "spec.postBuild.substituteFrom"; empty: the object as a whole
  std::string why;
};

// Whether the objects that Muster renders are those that the tool gave.
enum class ImportCheck {
  kNone,       // nothing is rendered of it
  kEqual,      // rendered both ways and compared
  kDiffers,    // likewise; a note says in what
  kUnchecked,  // its files are not here, or the tool itself would fail; a note says which
};

struct ImportItem {
  std::string file;  // from the repository's root
  int line = 0;
  std::string kind;
  std::string name;                 // "namespace/name" where it has one
  std::vector<std::string> became;  // "package/web", "repository/apps", "cluster/prod"
  std::vector<ImportNote> left_out;
  std::vector<ImportNote> needless;  // needs no counterpart: Muster does so anyway
  ImportCheck check = ImportCheck::kNone;
  int objects = 0;  // that were compared

  void LeaveOut(std::string field, std::string why) {
    left_out.push_back({std::move(field), std::move(why)});
  }
  void Needless(std::string field, std::string why) {
    needless.push_back({std::move(field), std::move(why)});
  }
};

struct ImportReport {
  std::string tool;              // "flux", "fleet", "argocd"
  std::deque<ImportItem> items;  // references stay valid while it grows

  bool complete() const;  // nothing was left out
};

// Sorts the items by place, and makes one of those about one object, which several clusters get.
void Tidy(ImportReport& report);

// Drops notes that were told before.
void TidyNotes(std::vector<ImportNote>& notes);

// "carried", "partly", "left out", or "not needed" for what needs no counterpart.
std::string OutcomeWord(const ImportItem& item);

// A row for each item.
Table OutcomeTable(const ImportReport& report);

// Each reason once, with the objects below it: why something was left out, or with `needless` why
// it needs no counterpart. Empty when there is none.
std::string NotesText(const ImportReport& report, bool needless);

// The fields of the document that -o json prints.
Value::Map ReportDocument(const ImportReport& report);

}  // namespace muster::cli
