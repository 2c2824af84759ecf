package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/notify"
)

// registerWebhooks adds what brands are told at their own addresses.
func (a *API) registerWebhooks() {
	if a.deps.Notify == nil {
		return
	}
	route := func(method, path, summary string, status int) Route {
		return Route{Method: method, Path: "/brands/{id}/webhooks" + path, Who: Brand, Scope: account.WebhooksWrite, Tag: "webhooks", Summary: summary, Status: status}
	}
	register(a, Route{Method: http.MethodGet, Path: "/webhooks/events", Who: Public, Tag: "webhooks", Summary: "What brands can be told of",
		Description: "Messages are signed and sent as Standard Webhooks says: headers webhook-id, webhook-timestamp and webhook-signature, which is " +
			"“v1,” and the base64 of HMAC-SHA256 over “id.timestamp.body” under the secret without whsec_, in base64. The id is the same at every attempt: " +
			"use it to drop repeats. Any 2xx answer within 15 seconds is acceptance; else it is tried again for three days. 410 ends the webhook."}, a.webhookEvents)
	register(a, route(http.MethodPost, "", "Be told of what happens to the brand; the secret is shown once", 201), a.createWebhook)
	register(a, route(http.MethodGet, "", "List the brand's webhooks", 0), a.webhooks)
	register(a, route(http.MethodGet, "/{webhook_id}", "A webhook", 0), a.webhook)
	register(a, route(http.MethodPatch, "/{webhook_id}", "Change a webhook, pause it, or make it active again", 0), a.changeWebhook)
	register(a, route(http.MethodDelete, "/{webhook_id}", "End a webhook", 0), a.deleteWebhook)
	register(a, route(http.MethodPost, "/{webhook_id}/secret", "Give it a new secret; the old one signs too for a day", 200), a.turnWebhook)
	register(a, route(http.MethodPost, "/{webhook_id}/test", "Send it a message of type webhook.test", 202), a.testWebhook)
	register(a, route(http.MethodPost, "/{webhook_id}/replay", "Send again what failed or was held since a time, oldest first, 1,000 at most", 202), a.replayWebhook)
	register(a, route(http.MethodGet, "/{webhook_id}/deliveries", "What was sent to it in the last 30 days, and what became of it", 0), a.deliveries)
	register(a, route(http.MethodPost, "/{webhook_id}/deliveries/{message_id}/replay", "Send one message again", 202), a.replayDelivery)
}

func (a *API) webhookEvents(context.Context, *None) (*PageOutput[notify.Event], error) {
	return whole(notify.Events()), nil
}

// WebhookInput names a webhook of a brand.
type WebhookInput struct {
	ID      id.Brand   `path:"id"`
	Webhook id.Webhook `path:"webhook_id"`
}

func viewWebhook(w notify.Webhook, err error) (*Tagged[notify.Webhook], error) {
	if err != nil {
		return nil, err
	}
	return tagged(w.Version, w), nil
}

func (a *API) createWebhook(ctx context.Context, in *struct {
	ID   id.Brand `path:"id"`
	Body struct {
		URL    string   `json:"url" maxLength:"2000" example:"https://shop.example/mezzo"`
		Events []string `json:"events,omitempty" maxItems:"50" doc:"Empty: all of them"`
	}
}) (*Tagged[notify.Webhook], error) {
	return viewWebhook(a.deps.Notify.Create(ctx, asker(ctx), in.ID, in.Body.URL, in.Body.Events))
}

func (a *API) webhooks(ctx context.Context, in *brandInput) (*PageOutput[notify.Webhook], error) {
	list, err := a.deps.Notify.List(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) webhook(ctx context.Context, in *WebhookInput) (*Tagged[notify.Webhook], error) {
	return viewWebhook(a.deps.Notify.Webhook(ctx, asker(ctx), in.ID, in.Webhook))
}

func (a *API) changeWebhook(ctx context.Context, in *struct {
	WebhookInput
	Match
	Body struct {
		URL    *string       `json:"url,omitempty" maxLength:"2000"`
		Events *[]string     `json:"events,omitempty" maxItems:"50"`
		State  *notify.State `json:"state,omitempty" enum:"active,paused"`
	}
}) (*Tagged[notify.Webhook], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return viewWebhook(a.deps.Notify.Update(ctx, asker(ctx), in.ID, in.Webhook, match, notify.Change{URL: in.Body.URL, Events: in.Body.Events, State: in.Body.State}))
}

func (a *API) deleteWebhook(ctx context.Context, in *WebhookInput) (*None, error) {
	return nil, a.deps.Notify.Delete(ctx, asker(ctx), in.ID, in.Webhook)
}

func (a *API) turnWebhook(ctx context.Context, in *WebhookInput) (*Tagged[notify.Webhook], error) {
	return viewWebhook(a.deps.Notify.Turn(ctx, asker(ctx), in.ID, in.Webhook))
}

func (a *API) testWebhook(ctx context.Context, in *WebhookInput) (*Output[notify.Delivery], error) {
	return answered(a.deps.Notify.Test(ctx, asker(ctx), in.ID, in.Webhook))
}

// Replayed says how many messages will be sent again.
type Replayed struct {
	Messages int `json:"messages" doc:"1,000: call again, there may be more"`
}

func (a *API) replayWebhook(ctx context.Context, in *struct {
	WebhookInput
	Body struct {
		Since time.Time `json:"since"`
	}
}) (*Output[Replayed], error) {
	n, err := a.deps.Notify.Replay(ctx, asker(ctx), in.ID, in.Webhook, in.Body.Since)
	return answered(Replayed{n}, err)
}

func (a *API) deliveries(ctx context.Context, in *struct {
	WebhookInput
	List
	State string `query:"state" enum:"waiting,delivered,failed,held"`
}) (*PageOutput[notify.Delivery], error) {
	from, err := after[id.Message](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Notify.Deliveries(ctx, asker(ctx), in.ID, in.Webhook, in.State, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(d notify.Delivery) string { return string(d.Message) }), nil
}

func (a *API) replayDelivery(ctx context.Context, in *struct {
	WebhookInput
	Message id.Message `path:"message_id"`
}) (*Output[Replayed], error) {
	n, err := a.deps.Notify.Again(ctx, asker(ctx), in.ID, in.Webhook, in.Message)
	return answered(Replayed{n}, err)
}
