#include "wire/remoting/body/message_batch.h"

#include "base/check.h"
#include "model/record_codec.h"

namespace oncemq::wire {

namespace {

constexpr std::size_t kFixed = 4 + 4 + 4 + 4 + 4 + 2;

Error bad_batch(std::string_view why) {
  return Error{Errc::kBadBytes, "batch: " + std::string(why)};
}

template <class T>
void append_be(std::string& out, T number) {
  std::byte bytes[sizeof number];
  store_be(bytes, number);
  out += as_text(bytes);
}

}  // namespace

Result<bool> BatchReader::next(BatchedMessage& into) {
  if (rest_.empty()) return false;
  if (rest_.size() < 4) return fail(bad_batch("bytes behind the last message"));
  const auto size = load_be<std::int32_t>(rest_.data());
  if (size < static_cast<std::int32_t>(kFixed) || static_cast<std::size_t>(size) > rest_.size())
    return fail(bad_batch("message longer than the batch"));

  ByteReader reader(rest_.first(static_cast<std::size_t>(size)));
  reader.skip(4 + 4 + 4);
  into.flag = reader.read<std::int32_t>();
  const auto body = reader.read<std::int32_t>();
  if (body < 0) return fail(bad_batch("negative length of a body"));
  into.body = reader.read_bytes(static_cast<std::size_t>(body));
  const auto properties = reader.read<std::int16_t>();
  if (properties < 0) return fail(bad_batch("negative length of properties"));
  into.properties = reader.read_text(static_cast<std::size_t>(properties));
  if (!reader.ok() || reader.remaining() != 0)
    return fail(bad_batch("sizes within a message do not add up"));
  rest_ = rest_.subspan(static_cast<std::size_t>(size));
  return true;
}

Result<std::size_t> count_batch(Bytes batch) {
  BatchReader reader(batch);
  BatchedMessage message;
  std::size_t count = 0;
  for (;;) {
    const Result<bool> more = reader.next(message);
    if (!more) return fail(more.error());
    if (!*more) break;
    ++count;
  }
  if (count == 0) return fail(bad_batch("no message"));
  return count;
}

void append_to_batch(std::string& batch, const BatchedMessage& message) {
  ONCE_CHECK(message.properties.size() <= model::kMaxPropertiesSize, "properties too long");
  const std::size_t size = kFixed + message.body.size() + message.properties.size();
  append_be(batch, static_cast<std::int32_t>(size));
  append_be(batch, std::int32_t{0});
  append_be(batch, std::int32_t{0});
  append_be(batch, message.flag);
  append_be(batch, static_cast<std::int32_t>(message.body.size()));
  batch += as_text(message.body);
  append_be(batch, static_cast<std::int16_t>(message.properties.size()));
  batch += message.properties;
}

}  // namespace oncemq::wire
