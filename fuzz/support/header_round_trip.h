#pragma once

#include <string>

#include "base/check.h"
#include "wire/remoting/header.h"

namespace oncemq::wire {

// What a header says stays the same when it is written again, in either kind.
inline void check_header_round_trip(const Command& command) {
  for (const HeaderKind kind : {HeaderKind::kJson, HeaderKind::kBinary}) {
    const bool fits = kind == HeaderKind::kJson ||
                      (command.code == static_cast<std::int16_t>(command.code) &&
                       command.version == static_cast<std::int16_t>(command.version));
    if (!fits) continue;
    std::string bytes;
    HeaderWriter writer(bytes, kind,
                        HeaderStart{.code = command.code,
                                    .opaque = command.opaque,
                                    .flag = command.flag,
                                    .remark = command.remark,
                                    .language = command.language,
                                    .version = command.version});
    std::size_t written = 0;
    for (const ExtField& field : command.ext) {
      // The binary header has no empty names or values, and 16 bits for the length of a name.
      const bool representable =
          kind == HeaderKind::kJson ||
          (!field.name.empty() && !field.value.empty() && field.name.size() <= 0x7fff);
      if (!representable) continue;
      writer.field(field.name, field.value);
      ++written;
    }
    writer.finish(0);

    const Cut cut = cut_frame(as_bytes(bytes));
    ONCE_CHECK(cut.state == Cut::State::kComplete && cut.size == bytes.size());
    Command again;
    ONCE_CHECK(again.decode(cut.frame).has_value(), "what we wrote does not read");
    ONCE_CHECK(again.code == command.code && again.opaque == command.opaque);
    ONCE_CHECK(again.flag == command.flag && again.version == command.version);
    ONCE_CHECK(again.language == command.language && again.remark == command.remark);
    ONCE_CHECK(again.ext.size() == written);
    std::size_t at = 0;
    for (const ExtField& field : command.ext) {
      if (at < written && again.ext[at].name == field.name && again.ext[at].value == field.value)
        ++at;
    }
    ONCE_CHECK(at == written, "a field changed on its way");
  }
}

}  // namespace oncemq::wire
