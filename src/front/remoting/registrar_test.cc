#include "front/remoting/registrar.h"

#include "front/remoting/edge_fixture.h"

namespace oncemq::front {
namespace {

class RegistrarTest : public EdgeTest {
 protected:
  std::unique_ptr<Registrar> make(std::string_view others = {}) {
    auto registrar = std::make_unique<Registrar>(*loop, test_broker.broker, test_broker.options,
                                                 test_broker.switches, settings, test_broker.clock,
                                                 names.get(), others);
    test_broker.broker.topics().set_listener(
        [&r = *registrar](std::span<const std::string> changed) { r.topics_changed(changed); });
    return registrar;
  }
};

TEST_F(RegistrarTest, TheOwnNameServiceKnowsEverythingAtOnce) {
  auto registrar = make();
  EXPECT_FALSE(names->route("TBW102").has_value());
  EXPECT_EQ(registrar->refresh(),
            test_broker.clock.monotonic_ms() + settings.get().register_period_ms);
  const auto route = names->route("TBW102");
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->brokers[0].addresses.at(0), "10.0.0.1:10911");
  make_topic("T");
  EXPECT_TRUE(names->route("T").has_value()) << "with the answer to the change";
  make_topic("T", 8);
  EXPECT_EQ(names->route("T")->queues[0].read_queues, 8);
  make_group("g");
  EXPECT_TRUE(names->route("%RETRY%g").has_value());
}

TEST_F(RegistrarTest, TheBrokersPermissionBoundsThatOfItsTopics) {
  auto registrar = make();
  (void)registrar->refresh();
  make_topic("T");
  test_broker.switches.permission = model::perm::kRead;
  test_broker.broker.topics().touch();
  EXPECT_EQ(names->route("T")->queues[0].perm, model::perm::kRead);
  make_topic("N");
  EXPECT_EQ(names->route("N")->queues[0].perm, model::perm::kRead);
}

TEST_F(RegistrarTest, OurBrokerDoesNotExpireAndLeavesAtTheEnd) {
  auto registrar = make();
  (void)registrar->refresh();
  test_broker.clock.advance_ms(100LL * 24 * 3'600'000);
  EXPECT_EQ(names->expire(), 0U);
  registrar->stop(0);
  EXPECT_FALSE(names->route("TBW102").has_value());
  make_topic("late");
  EXPECT_FALSE(names->route("late").has_value());
}

}  // namespace
}  // namespace oncemq::front
