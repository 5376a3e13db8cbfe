#include "cli/import/import_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/text.h"

namespace muster::cli {
namespace {

std::string Place(const ImportItem& item) {
  return item.line > 0 ? absl::StrCat(item.file, ":", item.line) : item.file;
}

std::string ObjectName(const ImportItem& item) {
  return item.name.empty() ? item.kind : absl::StrCat(item.kind, " ", item.name);
}

std::string CheckWord(const ImportItem& item) {
  switch (item.check) {
    case ImportCheck::kNone:
      return "-";
    case ImportCheck::kEqual:
      return absl::StrCat(item.objects, " equal");
    case ImportCheck::kDiffers:
      return "differ";
    case ImportCheck::kUnchecked:
      return "not compared";
  }
  return "-";
}

absl::string_view CheckName(ImportCheck check) {
  switch (check) {
    case ImportCheck::kNone:
      return "None";
    case ImportCheck::kEqual:
      return "Equal";
    case ImportCheck::kDiffers:
      return "Differs";
    case ImportCheck::kUnchecked:
      return "NotCompared";
  }
  return "None";
}

// Nothing became of it, and nothing had to.
bool IsNeedless(const ImportItem& item) {
  return item.left_out.empty() && item.became.empty() && !item.needless.empty();
}

absl::string_view OutcomeName(const ImportItem& item) {
  if (IsNeedless(item)) return "NotNeeded";
  if (item.left_out.empty()) return "Carried";
  return item.became.empty() ? "LeftOut" : "Partly";
}

Tone ToneOf(const ImportItem& item) {
  if (item.left_out.empty()) return Tone::kGood;
  return item.became.empty() ? Tone::kBad : Tone::kWorking;
}

Value NotesDocument(const std::vector<ImportNote>& notes) {
  Value::List list;
  for (const ImportNote& note : notes) {
    Value::Map entry;
    entry.Set("field", note.field.empty() ? Value() : Value(note.field));
    entry.Set("why", note.why);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

bool ImportReport::complete() const {
  return std::all_of(items.begin(), items.end(),
                     [](const ImportItem& item) { return item.left_out.empty(); });
}

void TidyNotes(std::vector<ImportNote>& notes) {
  std::set<std::pair<std::string, std::string>> seen;
  notes.erase(std::remove_if(notes.begin(), notes.end(),
                             [&seen](const ImportNote& note) {
                               return !seen.emplace(note.field, note.why).second;
                             }),
              notes.end());
}

void Tidy(ImportReport& report) {
  const auto key = [](const ImportItem& item) {
    return std::tie(item.file, item.line, item.kind, item.name);
  };
  std::stable_sort(report.items.begin(), report.items.end(),
                   [&key](const ImportItem& a, const ImportItem& b) { return key(a) < key(b); });
  std::deque<ImportItem> once;
  for (ImportItem& item : report.items) {
    if (once.empty() || key(once.back()) != key(item)) {
      once.push_back(std::move(item));
      continue;
    }
    ImportItem& first = once.back();
    for (const std::string& name : item.became) {
      if (std::find(first.became.begin(), first.became.end(), name) == first.became.end()) {
        first.became.push_back(name);
      }
    }
    first.left_out.insert(first.left_out.end(), item.left_out.begin(), item.left_out.end());
    first.needless.insert(first.needless.end(), item.needless.begin(), item.needless.end());
    first.check = std::max(first.check, item.check);
  }
  for (ImportItem& item : once) {
    TidyNotes(item.left_out);
    TidyNotes(item.needless);
  }
  report.items = std::move(once);
}

std::string OutcomeWord(const ImportItem& item) {
  if (IsNeedless(item)) return "not needed";
  if (item.left_out.empty()) return "carried";
  return item.became.empty() ? "left out" : "partly";
}

Table OutcomeTable(const ImportReport& report) {
  Table table{.columns = {{"SOURCE"}, {"OBJECT"}, {"OUTCOME"}, {"BECAME"}, {"OBJECTS"}},
              .rows = {}};
  for (const ImportItem& item : report.items) {
    table.rows.push_back({Place(item), ObjectName(item), Cell(OutcomeWord(item), ToneOf(item)),
                          item.became.empty() ? "-" : absl::StrJoin(item.became, ", "),
                          CheckWord(item)});
  }
  return table;
}

std::string NotesText(const ImportReport& report, bool needless) {
  std::vector<std::string> reasons;  // in the order in which they are met
  std::map<std::string, std::string> objects;
  for (const ImportItem& item : report.items) {
    for (const ImportNote& note : needless ? item.needless : item.left_out) {
      const std::string reason = absl::StrCat(note.field, note.field.empty() ? "" : ": ", note.why);
      if (objects.count(reason) == 0) reasons.push_back(reason);
      absl::StrAppend(&objects[reason], "    ", SafeText(Place(item)), "  ",
                      SafeText(ObjectName(item)), "\n");
    }
  }
  std::string text;
  for (const std::string& reason : reasons) {
    absl::StrAppend(&text, "  ", SafeText(reason), "\n", objects[reason]);
  }
  return text;
}

Value::Map ReportDocument(const ImportReport& report) {
  Value::List items;
  for (const ImportItem& item : report.items) {
    Value::Map source;
    source.Set("file", item.file);
    source.Set("line", item.line > 0 ? Value(item.line) : Value());
    source.Set("kind", item.kind);
    source.Set("name", item.name.empty() ? Value() : Value(item.name));
    Value::List became;
    for (const std::string& name : item.became) became.push_back(name);
    Value::Map entry;
    entry.Set("source", std::move(source));
    entry.Set("outcome", OutcomeName(item));
    entry.Set("became", std::move(became));
    entry.Set("comparison", CheckName(item.check));
    entry.Set("objects", item.objects);
    entry.Set("leftOut", NotesDocument(item.left_out));
    entry.Set("needless", NotesDocument(item.needless));
    items.push_back(std::move(entry));
  }
  Value::Map document;
  document.Set("tool", report.tool);
  document.Set("complete", report.complete());
  document.Set("items", std::move(items));
  return document;
}

}  // namespace muster::cli
