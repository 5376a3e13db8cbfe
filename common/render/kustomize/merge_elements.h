// Elements of merged lists, found and replaced by the texts of their keys, as Kustomize does it:
// step by step, so that lists whose elements lack a key come out as they do there. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/manifest/value.h"

namespace muster::kustomize {

using Texts = std::vector<std::string>;
// Elements are shared between the lists of a merge: changing one changes it in all.
using SharedElement = std::shared_ptr<Value>;
using Elements = std::vector<SharedElement>;

// The texts of an element under the keys, "" for those that it lacks.
Texts KeyTexts(const Value& element, const Texts& keys);

// The keys that any of the rows has a text for, and those texts of `row`. All when no row has any.
struct ValidKeys {
  Texts keys;
  Texts texts;
};
ValidKeys FindValidKeys(const std::vector<Texts>& rows, const Texts& row, const Texts& keys);

// Fills what rows lack from rows that agree with them on a key: with several keys, an element may
// leave one out.
void FillRows(std::vector<Texts>& rows);

// The first element with these texts under these keys; null when there is none.
SharedElement FindElement(const Elements& elements, const ValidKeys& wanted);
const Value* FindElement(const Value::List& elements, const ValidKeys& wanted);

// Puts `element` in the place of each that has the keys and texts, or at the end; null removes
// them.
void SetElement(const SharedElement& element, const Texts& keys, const Texts& texts,
                Elements& elements);

// Joins what was there to what a patch made: each takes the place of its like, or comes last.
void AppendElements(const Elements& more, const Texts& keys, Elements& elements);

}  // namespace muster::kustomize
