// Printing lists: the way from the hub's views to a table, a document, names or CSV. One thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/output/document.h"
#include "cli/output/listing.h"
#include "cli/output/text.h"
#include "cli/session.h"

namespace muster::cli {

// `items` as a table.
template <typename View>
Table TableOf(const std::vector<View>& items, absl::Time now) {
  const Listing<View>& listing = ListingOf<View>();
  Table table{.columns = listing.columns};
  for (const View& item : items) table.rows.push_back(listing.row(item, now));
  return table;
}

// Whatever is not a document: table, wide, name or CSV.
template <typename View>
std::string PlainText(Session& session, const std::vector<View>& items, bool headers) {
  const Listing<View>& listing = ListingOf<View>();
  if (session.format() == Format::kName) {
    std::string out;
    for (const View& item : items) {
      absl::StrAppend(&out, listing.noun, "/", SafeText(listing.name(item)), "\n");
    }
    return out;
  }
  const Table table = TableOf(items, session.now());
  if (session.format() == Format::kCsv) return CsvText(table, headers);
  return TableText(table, {.headers = headers, .wide = session.format() == Format::kWide},
                   session.style());
}

// Prints a list in the session's format. An empty table tells people what to do next.
template <typename View>
void PrintList(Session& session, const std::vector<View>& items,
               const std::string& next_page_token) {
  const Listing<View>& listing = ListingOf<View>();
  if (IsDocument(session.format())) {
    std::vector<Value> documents;
    for (const View& item : items) documents.push_back(DocumentOf(item));
    session.PrintDocument(ListDocument(listing.kind, std::move(documents), next_page_token));
    return;
  }
  if (items.empty() && session.format() != Format::kName && session.format() != Format::kCsv) {
    session.Tell(absl::StrCat("no ", listing.plural));
    session.TellNext(listing.empty);
    return;
  }
  session.Print(PlainText(session, items, !session.flags().no_headers));
  if (!next_page_token.empty()) {
    session.Tell(absl::StrCat("there are more: --page-token ", next_page_token));
  }
}

// Prints one thing that was asked for by name: a document of its own, else a list of one.
template <typename View>
void PrintOne(Session& session, const View& item) {
  if (IsDocument(session.format())) {
    session.PrintDocument(Typed(ListingOf<View>().kind, DocumentOf(item)));
  } else {
    PrintList(session, std::vector<View>{item}, "");
  }
}

}  // namespace muster::cli
