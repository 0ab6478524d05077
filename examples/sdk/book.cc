// Books deliveries once, however often they come: book URL KEY... (URL: sqlite:PATH or
// postgresql://...)
#include <cstdio>
#include <string>
#include <vector>

#include <oncemq/once/sql.h>
#include <soci/soci.h>

using namespace oncemq;

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  once::SqlOptions options;
  options.group = "bank";
  options.batch_max = 100;
  auto bank = once::Sql::open(argv[1], options);
  if (!bank) {
    std::fprintf(stderr, "%s\n", bank.error().message.c_str());
    return 1;
  }
  std::vector<sdk::Delivery> deliveries;  // a consumer's; here from the command line
  for (int at = 2; at < argc; ++at) {
    sdk::Delivery& delivery = deliveries.emplace_back();
    delivery.message.topic = "orders";
    delivery.message_id = argv[at];
  }
  const auto outcomes = bank->process(
      deliveries, [](once::Transaction& transaction, const sdk::Delivery& delivery) -> sdk::Status {
        transaction.session() << "CREATE TABLE IF NOT EXISTS booked (entry VARCHAR(255))";
        transaction.session() << "INSERT INTO booked VALUES (:entry)",
            soci::use(delivery.message_id);
        return {};
      });
  const char* const words[] = {"booked", "booked before", "again"};
  for (std::size_t at = 0; at < outcomes.size(); ++at)
    std::printf("%s %s %s\n", deliveries[at].message_id.c_str(),
                words[static_cast<std::size_t>(outcomes[at].fate)],
                outcomes[at].error.message.c_str());
  return 0;
}
