#pragma once

#include <optional>
#include <string_view>

#include "model/sql_value.h"

namespace oncemq::model {

// Does `text` have `what`, which is not empty, inside? Nothing when the budget is spent: a search
// costs as much as the places in the text that it must look at closely. Texts that are not made to
// nearly match have few.
std::optional<bool> sql_contains(std::string_view text, std::string_view what, SqlBudget& budget);

}  // namespace oncemq::model
