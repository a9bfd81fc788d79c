curl https://HOST/api/files \
  --header "Authorization: YOUR_API_KEY" \
  --header "Content-Type: image/png" \
  --data-binary @picture.png
