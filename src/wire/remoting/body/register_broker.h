#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/config_json.h"
#include "model/topic.h"

// REGISTER_BROKER (103): the topics of a broker.
namespace oncemq::wire {

struct RegisterBrokerBody {
  std::vector<std::string> filter_servers;
  model::TopicTableMap topics;
  model::DataVersion version;
};

// Largest body after decompression: 100,000 topics of 256 bytes are a quarter of it.
inline constexpr std::size_t kRegisterBodyLimit = 100ULL << 20;

std::string encode_register_body(const RegisterBrokerBody& body);
// The zlib form, as a sender of version 5 writes it.
std::string encode_register_body_compressed(const RegisterBrokerBody& body);

// `sender_version` decides whether the compressed form ends with queue mappings (which we skip) and
// whether the plain form is the bare topic table of very old brokers. kBadBytes.
Result<RegisterBrokerBody> decode_register_body(Bytes bytes, bool compressed,
                                                std::int32_t sender_version);

// The checksum that travels in the header field bodyCrc32; over the bytes as sent.
std::int32_t register_body_crc(Bytes bytes);

}  // namespace oncemq::wire
