curl https://HOST/api/generate \
  --header "Authorization: YOUR_API_KEY" \
  --header "Content-Type: application/json" \
  --data '{
    "model": "playground-v2",
    "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"},
    "webhook": "https://your-server.com/api/webhook"
  }'
