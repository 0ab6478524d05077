#pragma once

#include <cstdint>

#include "wire/remoting/codes.h"

namespace oncemq::sdk {

// Codes with which a broker says "not now" or "not here".
inline bool worth_another(std::int32_t code) {
  switch (static_cast<wire::ResponseCode>(code)) {
    case wire::ResponseCode::kSystemError:
    case wire::ResponseCode::kSystemBusy:
    case wire::ResponseCode::kServiceNotAvailable:
    case wire::ResponseCode::kNoPermission:
    case wire::ResponseCode::kTopicNotExist:
    case wire::ResponseCode::kNoBuyerId:
    case wire::ResponseCode::kNotInCurrentUnit:
    case wire::ResponseCode::kFlowControl:
    case wire::ResponseCode::kGoAway:
      return true;
    default:  // any number may come
      return false;
  }
}

}  // namespace oncemq::sdk
