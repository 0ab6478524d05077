#pragma once

#include <functional>
#include <string>

#include "oncemq/message.h"

namespace oncemq::once {

// What makes two deliveries the same: 1...255 bytes, any; an empty one is refused. Runs on the
// thread that processes; what it throws is an error of that delivery.
using KeyOf = std::function<std::string(const sdk::Delivery&)>;

// The message's unique key: a message that the application sends anew has another one.
KeyOf by_unique_key();
// KEYS, joined with blanks as they travel.
KeyOf by_keys();
// An application's property.
KeyOf by_property(std::string name);

}  // namespace oncemq::once
