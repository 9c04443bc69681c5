"""What nobody needs any more goes, a batch at a time."""

from __future__ import annotations

from tests.factories.world import World


def test_reports_go_after_thirty_days_whether_their_text_was_known_or_not(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    world.report(shop, message, "sent")
    world.execute(
        "INSERT INTO message_statuses (shop_id, provider_sid, status)"
        " VALUES (:shop, 'SMx', 'sent')",
        shop=shop.id,
    )
    world.execute("UPDATE message_statuses SET received_at = now() - interval '31 days'")
    world.report(shop, message, "delivered")
    world.duty("prune")
    assert world.scalar("SELECT string_agg(status, ',') FROM message_statuses") == "delivered"
    assert world.texts(id=message.id)[0].state == "delivered"
