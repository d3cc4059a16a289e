"""Every word of the pages in Portuguese, by key; `one|many` are the forms of a number."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    # ---------------------------------------------------------------- frame
    "tag": "pt-BR",
    "called_en": "English",
    "called_pt": "Português",
    "skip": "Ir para o conteúdo",
    "service": "Serviço",
    "language": "Idioma",
    "models": "Modelos",
    "train": "Treinar",
    "api": "API",
    "tab_page": "Prever",
    "tab_quality": "Qualidade",
    "tab_data": "Dados",
    "tab_versions": "Versões",
    "about_model": "Prevê {target}. Versão {version}, treinada {age}.",
    "and_more": " e mais {n}| e mais {n}",
    "age_days": "há {n} dia|há {n} dias",
    "age_hours": "há {n} hora|há {n} horas",
    "age_minutes": "há {n} minuto|há {n} minutos",
    "age_now": "agora mesmo",
    "missing": "ausente",
    "yes": "sim",
    "no": "não",
    # ---------------------------------------------------------------- errors and keys
    "error_401": "A chave não foi aceita. Informe outra.",
    "error_403": "Esta chave não permite isso, ou não há chave configurada aqui.",
    "error_404": "Não há nada neste endereço.",
    "error_405": "Este endereço não aceita esse tipo de requisição.",
    "error_413": "Isto é maior do que o serviço aceita.",
    "error_422": "Um valor não serve. Ele está marcado no formulário.",
    "error_429": "Tentativas demais. Espere um minuto e tente de novo.",
    "error_500": "O serviço falhou. O registro tem a causa sob o identificador da requisição.",
    "error_503": "O serviço está ocupado, ou o modelo ainda não foi carregado. Tente de novo em "
    "alguns segundos.",
    "error_other": "A requisição foi recusada.",
    "request_id": "Requisição",
    "to_models": "Ver os modelos",
    "key": "Chave",
    "key_needed": "É preciso uma chave",
    "key_why": "Este serviço mostra seus modelos a quem tem uma chave.",
    "key_enter": "Entrar",
    "key_kept": "A chave fica guardada até esta aba ser fechada, e só é enviada como cabeçalho.",
    "key_needs_script": "Sem JavaScript a chave não pode ser enviada. Consulte o serviço com um "
    "programa que a envie como X-API-Key.",
    "offline": "O serviço não responde. O que você preencheu continua aqui: tente de novo.",
    # ---------------------------------------------------------------- models
    "model": "Modelo",
    "predicts": "Prevê",
    "quality": "Qualidade",
    "trained": "Treinado",
    "health": "Estado",
    "healthy": "carregado",
    "default": "padrão",
    "not_loaded": "não carregado: {fault}",
    "old_serves": "uma versão anterior responde: {fault}",
    "metric_roc_auc": "ROC AUC",
    "metric_accuracy": "acurácia",
    "metric_r2": "R²",
    "quality_says": "A qualidade é medida em linhas com as quais o modelo não aprendeu. O ROC AUC "
    "é 0,5 para um palpite e 1 para um modelo que sempre acerta; o R² é 0 para a média e 1 para um "
    "modelo exato.",
    "empty": "Ainda não há nenhum modelo.",
    "empty_train": "Treinar o primeiro com uma tabela",
    "empty_shell": "Ou em um terminal, ao lado do serviço:",
    # ---------------------------------------------------------------- a model's page
    "ask": "Linha",
    "example": "Um exemplo",
    "wrong_row": "Uma linha em que errou",
    "predict": "Prever",
    "slider": "{name}, controle deslizante",
    "many_features": "Este modelo lê {n} variável.|Este modelo lê {n} variáveis. As que mais pesam "
    "vêm primeiro, as outras em grupos.",
    "most_important": "A variável que mais pesa|As {n} variáveis que mais pesam",
    "features_from": "Variáveis {first} a {last}",
    "find": "Buscar uma variável",
    "found_none": "Nenhuma variável tem esse nome.",
    "expected_number": "Espera-se um número.",
    "expected_integer": "Espera-se um número inteiro.",
    "expected_boolean": "Espera-se sim ou não.",
    "expected_category": "Espera-se um dos valores do treino.",
    "expected_date": "Espera-se uma data como {example}.",
    "expected_text": "Espera-se um texto.",
    "needed": "É preciso um valor.",
    "form_changed": "Uma versão com outras variáveis responde agora. Carregue a página de novo.",
    "answer": "Resposta",
    "probabilities": "Probabilidade de cada classe",
    "other_classes": "{n} outra classe|{n} outras classes",
    "interval": "Nove em cada dez linhas como esta ficam entre {low} e {high} {unit}.",
    "warning_unseen": "{field}: o treino nunca viu este valor. Ele é tratado como desconhecido.",
    "warning_missing": "{field}: sem valor. O treino sempre teve um; ele é preenchido.",
    "warning_range": "{field}: fora do treino, que ia de {low} a {high}.",
    "why": "Por quê",
    "why_not": "As respostas deste modelo não são explicadas.",
    "why_log_odds": "O log das chances de {of} parte de {base} ({base_means}), a média do treino. "
    "Esta linha o leva a {score} ({score_means}).",
    "why_log_probability": "A pontuação de {of} parte de {base}, a média do treino. Esta linha a "
    "leva a {score}; responde-se a classe de maior pontuação.",
    "why_probability": "A probabilidade de {of} parte de {base}, a média do treino. Esta linha a "
    "leva a {score}.",
    "why_value": "O valor parte de {base}, a média do treino. Esta linha o leva a {score}.",
    "why_log_value": "O logaritmo do valor parte de {base} (um valor de {base_means}), a média do "
    "treino. Esta linha o leva a {score} (um valor de {score_means}).",
    "waterfall": "Contribuições, da maior para a menor",
    "feature": "Variável",
    "its_value": "Valor",
    "contribution": "Contribuição",
    "baseline": "Ponto de partida",
    "score": "Pontuação",
    "other_features": "{n} outra variável|{n} outras variáveis",
    "words_of": "Palavras de {name} que mais pesam",
    "code": "A mesma requisição como código",
    "code_says": "É a linha do formulário, como um programa a envia.",
    "copy": "Copiar",
    "copied": "Copiado",
    # ---------------------------------------------------------------- quality
    # ---------------------------------------------------------------- data
    # ---------------------------------------------------------------- versions
    # ---------------------------------------------------------------- train and jobs
}
