#include "common/render/kustomize/merge_elements.h"

#include <algorithm>
#include <utility>

#include "common/render/kustomize/res_id.h"

namespace muster::kustomize {
namespace {

bool IsNullOrEmptyMap(const Value& value) {
  return value.is_null() || (value.is_map() && value.map().empty());
}

bool HasTexts(const Value& element, const ValidKeys& wanted) {
  if (!element.is_map()) return false;
  for (size_t i = 0; i < wanted.keys.size(); ++i) {
    const Value* value = element.Get(wanted.keys[i]);
    if (value == nullptr || ScalarText(*value) != wanted.texts[i]) return false;
  }
  return true;
}

// Whether SetElement means the element. A key without a text asks for its presence; a key behind
// the last text for nothing once one was found.
bool IsMeant(const Value& element, const Texts& keys, const Texts& texts) {
  bool found = false;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i < texts.size()) {
      const Value* value = element.Get(keys[i]);
      found = value != nullptr && (texts[i].empty() || ScalarText(*value) == texts[i]);
    }
    if (!found) return false;
  }
  return true;
}

// The row that two rows make together; empty when they contradict each other or share nothing.
Texts Together(const Texts& a, const Texts& b) {
  Texts both;
  bool agree = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) {
      agree = true;
    } else if (!a[i].empty() && !b[i].empty()) {
      return {};
    }
    both.push_back(a[i].empty() ? b[i] : a[i]);
  }
  return agree ? both : Texts();
}

}  // namespace

Texts KeyTexts(const Value& element, const Texts& keys) {
  Texts texts;
  for (const std::string& key : keys) {
    const Value* value = element.Get(key);
    texts.push_back(value == nullptr ? std::string() : ScalarText(*value));
  }
  return texts;
}

ValidKeys FindValidKeys(const std::vector<Texts>& rows, const Texts& row, const Texts& keys) {
  std::vector<bool> valid(keys.size());
  for (const Texts& one : rows) {
    for (size_t i = 0; i < one.size(); ++i) valid[i] = valid[i] || !one[i].empty();
  }
  if (std::find(valid.begin(), valid.end(), true) == valid.end()) return {keys, row};
  ValidKeys found;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!valid[i]) continue;
    found.keys.push_back(keys[i]);
    found.texts.push_back(row[i]);
  }
  return found;
}

void FillRows(std::vector<Texts>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const Texts row = rows[i];
    for (size_t j = 0; j < rows.size(); ++j) {
      const Texts both = Together(row, rows[j]);
      if (both.empty()) continue;
      rows[i] = both;
      rows[j] = both;
    }
  }
}

SharedElement FindElement(const Elements& elements, const ValidKeys& wanted) {
  for (const SharedElement& element : elements) {
    if (HasTexts(*element, wanted)) return element;
  }
  return nullptr;
}

const Value* FindElement(const Value::List& elements, const ValidKeys& wanted) {
  for (const Value& element : elements) {
    if (HasTexts(element, wanted)) return &element;
  }
  return nullptr;
}

void SetElement(const SharedElement& element, const Texts& keys, const Texts& texts,
                Elements& elements) {
  const bool keeps_others = !texts.empty() && !texts[0].empty();
  Elements kept;
  bool found = false;
  for (SharedElement& one : elements) {
    if (IsNullOrEmptyMap(*one)) continue;
    if (!one->is_map() && keeps_others) {
      kept.push_back(std::move(one));
    } else if (!IsMeant(*one, keys, texts)) {
      if (!texts.empty()) kept.push_back(std::move(one));
    } else {
      found = true;
      if (element != nullptr) kept.push_back(element);
    }
  }
  if (element != nullptr && !found) kept.push_back(element);
  elements = std::move(kept);
}

void AppendElements(const Elements& more, const Texts& keys, Elements& elements) {
  for (const SharedElement& element : more) {
    Texts texts;
    for (const std::string& key : keys) {
      const Value* value = element->Get(key);
      if (value == nullptr) {
        elements.push_back(element);
      } else {
        texts.push_back(ScalarText(*value));
      }
    }
    if (keys.size() > 1) SetElement(nullptr, keys, texts, elements);
    SetElement(element, keys, texts, elements);
  }
}

}  // namespace muster::kustomize
